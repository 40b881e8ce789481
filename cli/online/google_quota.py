"""Asks Compute Engine for the quota of a project."""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from cli.online.answer import Answer, first_line
from cli.online.limits import Limit, compare
from components.quota import Quota, Scope

ASK = "in the console under IAM & Admin, Quotas"

PROGRAM = Path(__file__).with_name("compute_engine.py")


def check_google_quota(project: str, quotas: Sequence[Quota]) -> Answer:
    """Return which of `quotas` the project does not have. Metrics that Compute Engine does not tell are skipped."""
    told = _ask(project, sorted({quota.region for quota in quotas}))
    if "failure" in told:
        return Answer(skipped=(f"quota of Google Cloud: {told['failure']}",))
    reasons: dict[str, str] = told["failures"]
    answer = Answer(
        skipped=tuple(f"quota of {project} in {place or 'all regions'}: {reason}" for place, reason in reasons.items())
    )
    for quota in quotas:
        limits: dict[str, list[float]] | None = told["limits"].get("" if quota.scope is Scope.GLOBAL else quota.region)
        if limits is not None:
            answer += _answer(quota, {metric: Limit(*numbers) for metric, numbers in limits.items()})
    return answer


def _ask(project: str, regions: list[str]) -> dict[str, Any]:  # Any: JSON
    command = [sys.executable, str(PROGRAM), project, *regions]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return {"failure": first_line(RuntimeError(done.stderr.strip().rpartition("\n")[2]))}
    return json.loads(done.stdout)


def _answer(quota: Quota, limits: dict[str, Limit]) -> Answer:
    metrics = [quota.metric] if quota.instead is None else [quota.metric, quota.instead]
    # where a project has none of what is for Spot VMs alone, they take from the rest
    known = [metric for metric in metrics if metric in limits]
    granted = [metric for metric in known if limits[metric].limit]
    if not known:
        return Answer(skipped=(f"{quota.metric}: Compute Engine tells no such quota; look at it {ASK}",))
    metric = (granted or known)[0]
    return Answer(tuple(compare(quota, limits[metric], metric, ASK)))
