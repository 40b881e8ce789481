"""Starts a stack's pods anew, so that the next request meets a cold server."""

import time
from contextlib import ExitStack
from typing import Any

from cli.access.errors import NotReadyError
from cli.access.kubectl import Kubectl, KubectlError, open_kubectl
from cli.access.reached import POLL_SECONDS, Say, service_of
from cli.access.stack_outputs import StackOutputs
from cli.errors import RefusedError


def restart(outputs: StackOutputs, say: Say, limit: float) -> None:
    """Restart the Deployment behind the stack's Service, and wait until all of its pods are new and ready.

    Raises:
        RefusedError: no Deployment serves the stack.
        MissingProgramError: there is no kubectl.
        NotReadyError: it did not succeed within `limit` seconds.
    """
    if not outputs.on_kubernetes:
        raise RefusedError(
            f"--cold: {outputs.stack} is not served by pods. Restart its server, and run this without --cold."
        )
    deadline = time.monotonic() + limit
    with ExitStack() as exits:
        kubectl = exits.enter_context(open_kubectl(outputs.values.get("kubeconfig")))
        try:
            namespace, selector = service_of(kubectl, outputs)
            name = _deployment(kubectl, outputs, namespace, selector)
            kubectl.ask("--namespace", namespace, "rollout", "restart", f"deployment/{name}")
            while (state := _state(kubectl.get("--namespace", namespace, "deployment", name))) is not None:
                say(state)
                if time.monotonic() + POLL_SECONDS > deadline:
                    raise NotReadyError(f"Not restarted within {limit:g} s. Last seen: {state}")
                time.sleep(POLL_SECONDS)
        except KubectlError as error:
            raise NotReadyError(f"The pods cannot be restarted: {error}") from None


def _deployment(kubectl: Kubectl, outputs: StackOutputs, namespace: str, selector: dict[str, str]) -> str:
    for each in kubectl.get("--namespace", namespace, "deployments")["items"]:
        labels: dict[str, str] = each["spec"]["template"]["metadata"].get("labels", {})
        if selector.items() <= labels.items():
            return each["metadata"]["name"]
    raise RefusedError(f"--cold: no Deployment of {outputs.stack} serves its Service.")


def _state(deployment: Any) -> str | None:  # Any: JSON
    """Return what is waited for. None: nothing any more."""
    wanted, status = deployment["spec"]["replicas"], deployment.get("status", {})
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "the cluster has not taken up the restart"
    ready = min(status.get("updatedReplicas", 0), status.get("availableReplicas", 0))
    old = status.get("replicas", 0) - status.get("updatedReplicas", 0)
    if ready < wanted or old > 0:
        return f"{ready} of {wanted} new pods are ready, {old} old ones are still there"
    return None
