"""Instances of simulated Oracle Cloud: where they can be launched, what limits they count against, their addresses."""

from __future__ import annotations

from collections.abc import Sequence

from components.catalog import Shape, load_catalog
from simulator.cloud import Cloud, CloudResource
from simulator.errors import CloudError
from simulator.oci_lookups import image_of
from simulator.oci_names import RULES, domains_of, refusal, shapes_of
from simulator.oci_network import SUBNET, find, private_address, prohibits_public
from simulator.package import Request
from simulator.values import Properties, at, is_list

INSTANCE = "oci:Core/instance:Instance"
VOLUME = "oci:Core/volume:Volume"
ATTACHMENT = "oci:Core/volumeAttachment:VolumeAttachment"


def traits(inputs: Properties) -> str:
    """The GPUs, shape and availability domain."""
    items = inputs.get("shapeAvailabilities")
    shapes = [str(at(item, "instanceShape")) for item in items] if is_list(items) else [str(inputs.get("shape"))]
    known = [load_catalog().shapes[shape].accelerator for shape in shapes if shape in load_catalog().shapes]
    return " ".join([*known, *shapes, str(inputs.get("availabilityDomain"))]) if known else ""


def _shape(inputs: Properties) -> Shape | None:
    return load_catalog().shapes.get(str(inputs.get("shape")))


def is_bare_metal(inputs: Properties) -> bool:
    """Whether the instance is a whole machine."""
    shape = _shape(inputs)
    return shape is not None and shape.bare_metal


def limit_of(inputs: Properties) -> str:
    """Service limit that an instance counts against."""
    shape = _shape(inputs)
    return shape.limit if shape else ""


def limit_exceeded(limit: str, token: str) -> CloudError:
    """The error of a service limit."""
    told = (
        f"The following service limits were exceeded: {limit}. Request a service limit increase from the service "
        "limits page in the console."
    )
    return refusal(400, "LimitExceeded", told, token)


def out_of_capacity(request: Request) -> CloudError | None:
    """The error of an availability domain without a free host; None for what needs none."""
    return refusal(500, "InternalError", "Out of host capacity.", request.token) if request.token == INSTANCE else None


def admit(request: Request, everything: Sequence[CloudResource], region: str) -> None:
    """Refuse what cannot be launched or attached. Raises CloudError."""
    if request.token == VOLUME and request.inputs["availabilityDomain"] not in domains_of(region):
        raise _not_found(request, f"availability domain {request.inputs['availabilityDomain']}")
    if request.token == ATTACHMENT:
        _admit_attachment(request, everything)
    if request.token != INSTANCE:
        return
    inputs = request.inputs
    domain, shape = str(inputs["availabilityDomain"]), _shape(inputs)
    if domain not in domains_of(region):
        raise _not_found(request, f"availability domain {domain}")
    if shape and shape.name not in shapes_of(region, domain):
        raise refusal(404, "NotAuthorizedOrNotFound", f"shape {shape.name} not found", request.token)
    fault_domain = inputs.get("faultDomain")
    if fault_domain and fault_domain not in RULES.data["names"]["fault_domains"]:
        raise refusal(400, "InvalidParameter", f"Invalid faultDomain {fault_domain}", request.token)
    image = image_of(str(at(inputs, "sourceDetails", "sourceId") or inputs.get("image")), region)
    if shape and image and not image["gpu"]:
        told = f"Shape {shape.name} is not valid for image {image['name']}."
        raise refusal(400, "InvalidParameter", told, request.token)
    _admit_vnic(request, everything, domain)
    if shape is None:
        return
    others = _instances(everything, domain)
    used = sum(other.accelerator_count for other in others if other.limit == shape.limit)
    if used + shape.accelerator_count > RULES.data["limits"]["gpus"]:
        raise limit_exceeded(shape.limit, request.token)
    if not inputs.get("capacityReservationId") and _free(shape, others) < 1:
        raise refusal(500, "InternalError", "Out of host capacity.", request.token)


def _not_found(request: Request, what: str) -> CloudError:
    told = f"Authorization failed or requested resource not found: {what}."
    return refusal(404, "NotAuthorizedOrNotFound", told, request.token)


def _instances(everything: Sequence[CloudResource], domain: str) -> list[Shape]:
    inputs = [found.inputs for found in everything if found.type == INSTANCE]
    shapes = [_shape(each) for each in inputs if each.get("availabilityDomain") == domain]
    return [shape for shape in shapes if shape]


def _free(shape: Shape, others: Sequence[Shape]) -> int:
    return RULES.data["capacity"]["hosts"] - sum(other.name == shape.name for other in others)


def _admit_vnic(request: Request, everything: Sequence[CloudResource], domain: str) -> None:
    inputs = request.inputs
    subnet = find(everything, SUBNET, str(at(inputs, "createVnicDetails", "subnetId") or inputs.get("subnetId")))
    if subnet is None:
        return
    if subnet.inputs.get("availabilityDomain") not in (None, domain):
        raise refusal(400, "InvalidParameter", f"Subnet {subnet.id} is not in {domain}", request.token)
    if prohibits_public(subnet) and at(inputs, "createVnicDetails", "assignPublicIp") == "true":
        told = "Invalid VNIC creation parameters: assignPublicIp in a subnet that prohibits public IP addresses"
        raise refusal(400, "InvalidParameter", told, request.token)
    for group in at(inputs, "createVnicDetails", "nsgIds") or ():
        found = find(everything, "oci:Core/networkSecurityGroup:NetworkSecurityGroup", str(group))
        if found and found.inputs.get("vcnId") != subnet.inputs.get("vcnId"):
            told = f"NetworkSecurityGroup {group} is not in the VCN of subnet {subnet.id}"
            raise refusal(400, "InvalidParameter", told, request.token)


def _admit_attachment(request: Request, everything: Sequence[CloudResource]) -> None:
    volume = find(everything, VOLUME, str(request.inputs["volumeId"]))
    instance = find(everything, INSTANCE, str(request.inputs["instanceId"]))
    if volume and instance and volume.inputs["availabilityDomain"] != instance.inputs["availabilityDomain"]:
        told = f"Volume {volume.id} and instance {instance.id} are not in the same availability domain"
        raise refusal(400, "InvalidParameter", told, request.token)
    attached = [found for found in everything if found.type == ATTACHMENT and found.state == "ready"]
    for other in attached:
        if other.inputs["volumeId"] == request.inputs["volumeId"] and other.inputs.get("isShareable") is not True:
            raise refusal(409, "Conflict", f"Volume {other.inputs['volumeId']} is already attached", request.token)


def check_change(request: Request, resource: CloudResource) -> None:
    """Refuse what an instance cannot become. Raises CloudError."""
    before, after = resource.inputs.get("shape"), request.inputs.get("shape")
    if request.token == INSTANCE and before != after and "BM." in f"{before} {after}":
        told = f"The shape of a bare metal instance cannot be changed from {before} to {after}"
        raise refusal(400, "InvalidParameter", told, request.token)


def outputs(request: Request, resource: CloudResource, cloud: Cloud) -> Properties:
    """What the cloud adds to the inputs of instances, volumes and what is about them."""
    inputs = request.inputs
    if request.token == ATTACHMENT:
        instance = cloud.find(INSTANCE, str(inputs["instanceId"]))
        return {
            "availabilityDomain": instance.inputs["availabilityDomain"] if instance else None,
            "ipv4": "192.0.2.1" if inputs["attachmentType"] == "iscsi" else None,
        }
    if request.token == "oci:Kms/key:Key":  # noqa: S105 (a type token)
        vaults = cloud.of_type("oci:Kms/vault:Vault")
        endpoint = inputs["managementEndpoint"]
        return {
            "vaultId": next((each.id for each in vaults if each.outputs.get("managementEndpoint") == endpoint), None)
        }
    if request.token != INSTANCE:
        return {}
    subnet_id = str(at(inputs, "createVnicDetails", "subnetId") or inputs.get("subnetId"))
    subnet, shape = cloud.find(SUBNET, subnet_id), _shape(inputs)
    public = at(inputs, "createVnicDetails", "assignPublicIp") != "false" and not (subnet and prohibits_public(subnet))
    image = at(inputs, "sourceDetails", "sourceId") or inputs.get("image")
    found: Properties = {
        "privateIp": at(inputs, "createVnicDetails", "privateIp") or private_address(resource, subnet_id, cloud),
        "publicIp": cloud.address_of(resource, "public") if public else "",
        "subnetId": subnet_id,
        "image": image,
        "faultDomain": RULES.data["names"]["fault_domains"][resource.key % 3],
    }
    if shape:
        config = {"ocpus": shape.ocpus, "memoryInGbs": shape.memory_gib, "gpus": shape.accelerator_count}
        found["shapeConfig"] = config | {"localDisks": shape.nvme_count}
    return found


def report(inputs: Properties, everything: Sequence[CloudResource], region: str, *, short: bool) -> Properties:
    """What a capacity report says of each shape."""
    domain = str(inputs["availabilityDomain"])
    others = _instances(everything, domain)
    told: list[Properties] = []
    for item in inputs["shapeAvailabilities"]:
        shape = load_catalog().shapes.get(str(item["instanceShape"]))
        free = _free(shape, others) if shape else RULES.data["capacity"]["hosts"]
        if shape and shape.name not in shapes_of(region, domain):
            status, free = "HARDWARE_NOT_SUPPORTED", 0
        elif short or free < 1:
            status, free = "OUT_OF_HOST_CAPACITY", 0
        else:
            status = "AVAILABLE"
        told.append({**item, "availabilityStatus": status, "availableCount": str(free)})
    return {"shapeAvailabilities": told}
