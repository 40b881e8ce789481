"""A small model on the CPU, on whatever cluster the current kubeconfig names: kind, minikube, k3d. No cloud account."""

from collections.abc import Mapping
from typing import Any

import pulumi
import pulumi_kubernetes as kubernetes

from components.args import ComponentArgs, Input, given
from components.findings import Finding, error
from components.inference.exposure import Exposure
from components.inference.inference_checks import check_inference_service
from components.inference.inference_service import InferenceService
from components.inference.inference_service_args import InferenceServiceArgs
from stacks.recipe import Needs, Recipe
from stacks.serving import downloads_of, images_of, service_findings, serving_outputs

SERVICE = "dev"


class Settings(ComponentArgs):
    """What the configuration of the stack says."""

    service: InferenceServiceArgs
    """The model server."""
    hugging_face_token: Input[str] | None = None
    """Hugging Face token, for a gated model. A secret. Default: none."""

    def service_args(self) -> InferenceServiceArgs:
        """Return the arguments of the service with everything filled in."""
        return self.service.model_copy(update=given(token=self.hugging_face_token))


def check(settings: Settings) -> list[Finding]:
    """Return everything that can be known to be wrong."""
    if settings.service.exposure not in (None, Exposure.CLUSTER):
        # instead of what the component says of ranges and regions, which this stack has not
        return [
            error(
                "exposure-unsupported",
                "service.exposure",
                "this stack knows nothing of the cloud that its cluster may be in, and reserves no address.",
                "Set cluster, and forward a port; or use a recipe that makes its cluster.",
            )
        ]
    return service_findings(settings.service, check_inference_service(SERVICE, settings.service_args()))


def needs(settings: Settings) -> Needs:
    """Return what the stack takes; what its cluster costs is known to whoever runs it."""
    args = settings.service_args()
    return Needs(models=downloads_of(args), images=images_of(args))


def deploy(settings: Settings) -> Mapping[str, Any]:
    """Register the service on the cluster of the current kubeconfig."""
    cluster = kubernetes.Provider("current-context")
    service = InferenceService(SERVICE, settings.service_args(), pulumi.ResourceOptions(providers=[cluster]))
    return {
        **serving_outputs(service, settings.service),
        "hourlyCost": needs(settings).cost,
        "kubeconfig": None,
    }


RECIPE = Recipe(
    name="dev",
    title="A small model with llama.cpp on the CPU, on the cluster of the current kubeconfig",
    guide=None,
    settings=Settings,
    check=check,
    needs=needs,
    deploy=deploy,
)
