"""Runs a Pulumi program without an engine and records all that it registers: inputs, parents, options, outputs.

Pulumi's own mocks hide options and collapse duplicate URNs, so this monitor keeps the whole request.
"""

import asyncio
import contextvars
import logging
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pulumi
from google.protobuf import json_format
from pulumi.runtime import mocks, rpc
from pulumi.runtime.config import set_all_config
from pulumi.runtime.settings import Settings, configure, reset_options
from pulumi.runtime.stack import run_in_stack

IMAGES = {
    "ocid1.image.oc1.iad.arm": "Oracle-Linux-8.10-aarch64-2026.10.30-0",
    "ocid1.image.oc1.iad.plain": "Oracle-Linux-8.10-2026.10.30-0",
    "ocid1.image.oc1.iad.minimal": "Canonical-Ubuntu-22.04-Minimal-2026.10.30-0",
    "ocid1.image.oc1.iad.ubuntu": "Canonical-Ubuntu-22.04-2026.10.30-0",
    "ocid1.image.oc1.iad.newest": "Oracle-Linux-8.10-Gen2-GPU-2026.10.30-0",
    "ocid1.image.oc1.iad.guides": "Oracle-Linux-8.9-Gen2-GPU-2024.04.19-0",
}
"""What Oracle Cloud offers, the newest first."""

SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270"}


@dataclass
class Registered:
    """One registered resource."""

    type: str
    name: str
    parent: str
    """Name of the parent, empty for a child of the stack."""
    inputs: dict[str, Any]
    request: Any
    """The engine's own request, for options."""
    outputs: dict[str, Any] | None = None
    """What a component registered as its outputs."""

    def depends_on(self) -> set[str]:
        return {urn.rpartition("::")[2] for urn in self.request.dependencies}

    def provider(self) -> str:
        """Name of the explicit provider, empty for the default one."""
        return self.request.provider.rpartition("::")[0].rpartition("::")[2]

    def secret(self, *path: str) -> Any:
        """The value at `path`, which must be within a secret."""
        value = self.inputs
        inside = False
        for part in ("", *path):
            value = value[part] if part else value
            if isinstance(value, Mapping) and SECRET.items() <= value.items():
                inside, value = True, value["value"]
        assert inside, f"{path} of {self.name} is no secret"
        return value


@dataclass
class Recording:
    """What one run of a program registered."""

    resources: list[Registered] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)
    """Warnings and errors that it logged."""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    """What it looked up, by token, and with which arguments."""
    error: Exception | None = None

    def __getitem__(self, key: tuple[str, str]) -> Registered:
        """The one resource of the type that ends so, and of that name."""
        kind, name = key
        (found,) = [r for r in self.resources if r.type.endswith(kind) and r.name == name]
        return found

    def of(self, kind: str) -> list[Registered]:
        """All resources of the type that ends so, by name: threads register them, in no order that would stay."""
        return sorted((r for r in self.resources if r.type.endswith(kind)), key=lambda r: r.name)

    def stack_outputs(self) -> dict[str, Any]:
        return self["pulumi:pulumi:Stack", "llm-serving-test"].outputs or {}


class _Cloud(mocks.Mocks):
    """Answers as far as components read answers. In a preview it knows no more than the inputs."""

    def __init__(self, preview: bool, full: tuple[str, ...], calls: list[tuple[str, dict[str, Any]]]) -> None:
        self.preview = preview
        self.full = full
        self.calls = calls

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        state = dict(args.inputs)
        if self.preview:
            return "", state
        match args.typ:
            case "gcp:container/cluster:Cluster":
                state |= {"name": f"{args.name}-1234567", "endpoint": "192.0.2.10"}
                state["masterAuth"] = {"clusterCaCertificate": "Y2E="}
            case "gcp:container/nodePool:NodePool" | "gcp:compute/router:Router":
                state.setdefault("name", f"{args.name}-1234567")
            case "gcp:compute/address:Address":
                state["address"] = "203.0.113.10"
            case "gcp:serviceaccount/account:Account":
                state["email"] = f"{args.inputs['accountId']}@test-project.iam.gserviceaccount.com"
                state["member"] = f"serviceAccount:{state['email']}"
                state["name"] = f"projects/test-project/serviceAccounts/{state['email']}"
            case "gcp:storage/bucket:Bucket":
                state.setdefault("name", f"{args.name}-1234567")
                state["url"] = f"gs://{state['name']}"
            case "gcp:compute/disk:Disk":
                state |= {"name": f"{args.name}-1234567", "selfLink": f"{args.name}-link"}
            case "gcp:compute/instanceTemplate:InstanceTemplate":
                state["selfLink"] = f"{args.name}-link"
            case "gcp:projects/service:Service":
                state.setdefault("project", "test-project")
            case _ if args.typ.startswith("oci:"):
                state |= self._of_oracle(args)
            case _ if args.typ.startswith("kubernetes:"):
                metadata = dict(state.get("metadata", {}))
                metadata.setdefault("name", f"{args.name}-12345678")
                state["metadata"] = metadata
        return f"{args.name}-id", state

    def _of_oracle(self, args: mocks.MockResourceArgs) -> dict[str, Any]:
        match args.typ:
            case "oci:Core/vcn:Vcn":
                return {"defaultSecurityListId": f"{args.name}-default-list"}
            case "oci:Core/computeCapacityReport:ComputeCapacityReport":
                (asked,) = args.inputs["shapeAvailabilities"]
                status = "OUT_OF_HOST_CAPACITY" if args.inputs["availabilityDomain"] in self.full else "AVAILABLE"
                return {"shapeAvailabilities": [{**asked, "availabilityStatus": status}]}
            case "oci:Core/instance:Instance":
                public = args.inputs["createVnicDetails"]["assignPublicIp"] == "true"
                return {"privateIp": "10.0.0.5", "publicIp": "203.0.113.20" if public else ""}
            case "oci:Core/publicIp:PublicIp":
                return {"ipAddress": "203.0.113.30"}
            case "oci:NetworkLoadBalancer/networkLoadBalancer:NetworkLoadBalancer":
                return {"ipAddresses": [{"ipAddress": "10.0.128.7", "isPublic": not args.inputs["isPrivate"]}]}
            case "oci:Bastion/bastion:Bastion":
                return {"privateEndpointIpAddress": "10.0.0.9"}
            case "oci:Kms/vault:Vault":
                return {"managementEndpoint": f"https://{args.name}-management.example.com"}
            case _:
                return {}

    def call(self, args: mocks.MockCallArgs) -> dict[str, Any]:
        self.calls.append((args.token, dict(args.args)))
        match args.token:
            case "gcp:organizations/getProject:getProject":
                return {"projectId": args.args["projectId"], "number": "123456789012"}
            case "oci:Identity/getAvailabilityDomains:getAvailabilityDomains":
                return {"availabilityDomains": [{"name": f"Uocm:PHX-AD-{number}"} for number in (1, 2, 3)]}
            case "oci:Core/getImages:getImages":
                (name,) = args.args["filters"][0]["values"]
                return {"images": [{"id": ocid} for ocid, image in IMAGES.items() if re.search(name, image)]}
            case "oci:Core/getServices:getServices":
                return {"services": [{"id": "services", "cidrBlock": "all-iad-services-in-oracle-services-network"}]}
            case "oci:ObjectStorage/getNamespace:getNamespace":
                return {"namespace": "tenancy-namespace"}
        raise AssertionError(f"unexpected call of {args.token}")


class _Monitor(mocks.MockMonitor):
    def __init__(self, recording: Recording, clouds: mocks.Mocks) -> None:
        super().__init__(clouds)
        self.recording = recording
        self.lock = threading.Lock()
        self.by_urn: dict[str, Registered] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 the name of the call
        urn = self.make_urn(request.parent, request.type, request.name)
        parent = request.parent.rpartition("::")[2]
        registered = Registered(
            request.type,
            request.name,
            "" if parent == "llm-serving-test" else parent,
            _plain(rpc.deserialize_properties(request.object, keep_unknowns=True)),
            request,
        )
        with self.lock:
            assert urn not in self.by_urn, f"duplicate URN {urn}"
            self.by_urn[urn] = registered
            self.recording.resources.append(registered)
        return super().RegisterResource(request)

    def RegisterResourceOutputs(self, request: Any) -> Any:  # noqa: N802 the name of the call
        # not the SDK's own decoding, which would register anew the resources that are referred to
        self.by_urn[request.urn].outputs = _plain(json_format.MessageToDict(request.outputs))
        return super().RegisterResourceOutputs(request)


def _plain(value: Any) -> Any:
    """Numbers as the whole ones that they are, so that a comparison with literals reads well."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return value


def record(
    program: Callable[[], object],
    *,
    config: Mapping[str, str] | None = None,
    secrets: tuple[str, ...] = (),
    preview: bool = False,
    full: tuple[str, ...] = (),
    clouds: mocks.Mocks | None = None,
) -> Recording:
    """Run `program` in a stack `test` of project `llm-serving`. An exception of it is kept in the recording.

    `full`: availability domains of Oracle Cloud that have no capacity. `clouds`: what answers in place of the stand-in.
    """
    recording = Recording()

    class Messages(logging.Handler):
        def emit(self, entry: logging.LogRecord) -> None:
            recording.messages.append(entry.getMessage())

    logger = logging.Logger("recording", logging.WARNING)
    logger.addHandler(Messages())

    def run() -> None:
        loop = asyncio.new_event_loop()
        asyncio.set_event_loop(loop)
        reset_options(project="llm-serving", stack="test", organization="organization", preview=preview)
        configure(
            Settings(
                monitor=_Monitor(recording, clouds or _Cloud(preview, full, recording.calls)),
                engine=mocks.MockEngine(logger),
                project="llm-serving",
                stack="test",
                dry_run=preview,
                organization="organization",
            )
        )
        set_all_config(dict(config or {}), list(secrets))
        try:
            loop.run_until_complete(run_in_stack(lambda: _nothing(program())))
        except Exception as raised:  # noqa: BLE001 whatever the program raises is what a test asks about
            recording.error = raised
        finally:
            reset_options()
            loop.close()

    contextvars.copy_context().run(run)
    return recording


def _nothing(_: object) -> None:
    """Drop what a program returns, which Pulumi would await."""


def value_of(output: pulumi.Output[Any]) -> Any:
    """The value of an output whose value is known."""
    return asyncio.new_event_loop().run_until_complete(output.future())
