"""The policy pack, as the engine starts it. Building it serves policies until the engine ends it."""

import sys
from pathlib import Path

from pulumi_policy import EnforcementLevel, PolicyPack

# a checkout, whose components need not be installed
sys.path.append(str(Path(__file__).resolve().parent.parent))

from llm_serving_policy import POLICIES

PolicyPack("llm-serving", list(POLICIES), EnforcementLevel.MANDATORY)
