"""What a node pool says when there is no machine or no quota for it."""

import pulumi
import pytest

from components.gke.pool_shortage import tell_shortage
from tests.recording import record

ERROR = 'NodePool l4 was created in the error state "ERROR"'
QUOTA = (
    "error creating NodePool: googleapi: Error 403: Insufficient regional quota to satisfy request: resource "
    "\"NVIDIA_L4_GPUS\": request requires '4.0' and is short '4.0'., forbidden"
)


def told(message: str, machine_type: str = "g2-standard-48") -> list[str]:
    def program() -> None:
        failed = pulumi.ErrorHookArgs("urn", "", "llm-l4", "gcp:container/nodePool:NodePool", errors=[message])
        zones = ["us-central1-a", "us-central1-b"]
        assert tell_shortage("llm-l4", machine_type, zones).callback(failed) is False  # no other try

    recording = record(program)
    assert recording.error is None
    return recording.messages


def test_a_pool_without_nodes() -> None:
    (message,) = told(ERROR)
    assert message.startswith(
        "llm-l4: GKE made the pool, but not its nodes: us-central1-a and us-central1-b had no g2-standard-48 with"
        " nvidia-l4 left, or a quota of Compute Engine such as GPUS_ALL_REGIONS does not suffice."
    )
    assert "run `pulumi up` again later" in message


@pytest.mark.parametrize(
    ("machine_type", "what"),
    [("g2-standard-48", "g2-standard-48 with nvidia-l4"), ("n2d-standard-8", "n2d-standard-8")],
)
def test_no_quota(machine_type: str, what: str) -> None:
    (message,) = told(QUOTA, machine_type)
    assert message.startswith(
        f"llm-l4: no pool was made, since the project's quota NVIDIA_L4_GPUS does not suffice for {what}. Ask for more"
    )


def test_of_other_failures_nothing_is_said() -> None:
    assert told("Error 404: not found") == []
