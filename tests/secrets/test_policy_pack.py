"""A policy pack gets the settings decrypted, as Pulumi gives them to it. What it tells of them is masked."""

from pathlib import Path

from tests.secrets.canary import Canary
from tests.secrets.expedition import Expedition
from tests.secrets.small import write_small_project

PACK = """\
import base64
import os

from pulumi_policy import EnforcementLevel, PolicyPack, ResourceValidationPolicy

tell = ResourceValidationPolicy(
    name="tell",
    description="Tells the settings.",
    validate=lambda args, report: report(
        f"configured with {base64.b64encode(os.environ['PULUMI_CONFIG'].encode()).decode()}"
    ),
)
PolicyPack("telling", policies=[tell], enforcement_level=EnforcementLevel.ADVISORY)
"""


def test_its_environment_has_it_and_nothing_else(tmp_path: Path) -> None:
    expedition = Expedition(tmp_path / "expedition", {"token": Canary()}, write_small_project(tmp_path / "small"))
    pack = tmp_path / "pack"
    pack.mkdir()
    (pack / "PulumiPolicy.yaml").write_text("name: telling\nruntime: python\nversion: 1.0.0\n")
    (pack / "__main__.py").write_text(PACK)
    up = ("rehearse", "preview", "small", "--policy-pack", str(pack), "--debug", *expedition.secrets)
    assert expedition.run(*up) == 0, expedition.last_printed()
    assert "configured with [secret]" in expedition.last_printed()
    # whether a look into the list of processes meets it is chance
    assert expedition.seen <= {f"environ of {program}" for program in ("pulumi", "python", "sh")}
    expedition.seen.clear()
    assert not expedition.leaks()
