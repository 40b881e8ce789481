"""Functions of the oci provider: what a program can look up on simulated Oracle Cloud."""

from __future__ import annotations

import re
from typing import Any

from components.catalog import load_catalog
from simulator.cloud import Cloud, CloudResource
from simulator.oci_names import RULES, airport, domains_of, made_up, shapes_of
from simulator.values import Properties, at, is_list

_INSTANCE = "oci:Core/instance:Instance"


def invoke(token: str, arguments: Properties, config: Properties, cloud: Cloud) -> Properties | None:
    """The result of a function; None for one that the simulator does not know."""
    region = str(config.get("region"))
    name = token.rpartition(":")[2]
    match name:
        case "getAvailabilityDomains":
            found = {"availabilityDomains": _domains(arguments, region)}
        case "getFaultDomains":
            found = {"faultDomains": _fault_domains(arguments, region)}
        case "getRegionSubscriptions":
            found = {"regionSubscriptions": _subscriptions(arguments, region)}
        case "getImages":
            found = {"images": _images(arguments, region)}
        case "getShapes":
            found = {"shapes": _shapes(arguments, region)}
        case "getServices":
            found = {"services": _services(region)}
        case "getVnicAttachments":
            found = {"vnicAttachments": _attachments(arguments, cloud)}
        case "getVnic":
            found = _vnic(str(arguments["vnicId"]), cloud)
        case "getNamespace":
            found = {"namespace": RULES.data["names"]["namespace"], "compartmentId": arguments.get("compartmentId")}
        case "getLimitValues":
            found = {"limitValues": _limits(arguments, region)}
        case "getResourceAvailability":
            found = _availability(arguments, cloud)
        case _:
            return None
    listed = {
        key: _filtered(value, arguments.get("filters")) if is_list(value) else value for key, value in found.items()
    }
    return {"id": f"{name}-simulated", **arguments, **listed}


def _filtered(items: list[Any], filters: Any) -> list[Any]:  # Any: any JSON
    """Those that every filter lets pass. Filters name properties as Terraform does: `display_name`."""
    for each in filters if is_list(filters) else ():
        key = re.sub(r"_(\w)", lambda match: match[1].upper(), str(each["name"]))
        if str(each["name"]) != re.sub(r"([A-Z])", lambda match: f"_{match[1].lower()}", str(each["name"])):
            return []
        patterns = [str(value) for value in each["values"]]
        items = [
            item
            for item in items
            if any(
                re.search(pattern, str(item.get(key))) if each.get("regex") else pattern == str(item.get(key))
                for pattern in patterns
            )
        ]
    return items


def exists(ocid: str, region: str) -> bool:
    """Whether the OCID is of something that every tenancy sees."""
    return image_of(ocid, region) is not None or ocid in {str(service["id"]) for service in _services(region)}


def image_of(ocid: str, region: str) -> Properties | None:
    """The platform image of this OCID; None: it is none of those that the simulator knows."""
    return next((image for image in RULES.data["images"] if made_up("image", region, image["name"]) == ocid), None)


def _domains(arguments: Properties, region: str) -> list[Properties]:
    return [
        {"compartmentId": arguments["compartmentId"], "id": made_up("availabilitydomain", "", name), "name": name}
        for name in domains_of(region)
    ]


def _fault_domains(arguments: Properties, region: str) -> list[Properties]:
    domain = str(arguments["availabilityDomain"])
    names: list[str] = RULES.data["names"]["fault_domains"] if domain in domains_of(region) else []
    common = {"availabilityDomain": domain, "compartmentId": arguments["compartmentId"]}
    return [{**common, "id": made_up("faultdomain", "", f"{domain} {name}"), "name": name} for name in names]


def _subscriptions(arguments: Properties, region: str) -> list[Properties]:
    return [
        {
            "isHomeRegion": True,
            "regionKey": airport(region),
            "regionName": region,
            "state": "READY",
            "tenancyId": arguments["tenancyId"],
        }
    ]


def _images(arguments: Properties, region: str) -> list[Properties]:
    images = [
        {
            "id": made_up("image", region, image["name"]),
            "compartmentId": "",
            "displayName": image["name"],
            "operatingSystem": image["system"],
            "operatingSystemVersion": image["version"],
            "state": "AVAILABLE",
            "launchMode": "NATIVE",
            "timeCreated": re.sub(r".*(\d{4})\.(\d\d)\.(\d\d)-\d+$", r"\1-\2-\3 00:00:00 +0000 UTC", image["name"]),
        }
        for image in RULES.data["images"]
        if image["gpu"] or arguments.get("shape") not in load_catalog().shapes
    ]
    asked = ("displayName", "operatingSystem", "operatingSystemVersion", "state")
    kept = [image for image in images if all(arguments.get(key) in (None, image[key]) for key in asked)]
    by = "displayName" if arguments.get("sortBy") == "DISPLAYNAME" else "timeCreated"
    # Oracle sorts by time from the newest, by name from the first, unless told otherwise
    order = arguments.get("sortOrder") or ("DESC" if by == "timeCreated" else "ASC")
    return sorted(kept, key=lambda image: str(image[by]), reverse=order == "DESC")


def _shapes(arguments: Properties, region: str) -> list[Properties]:
    domains = [str(arguments["availabilityDomain"])] if arguments.get("availabilityDomain") else domains_of(region)
    offered = [name for domain in domains for name in shapes_of(region, domain)]
    catalog = load_catalog()
    return [
        {
            "name": shape.name,
            "ocpus": shape.ocpus,
            "memoryInGbs": shape.memory_gib,
            "gpus": shape.accelerator_count,
            "gpuDescription": catalog.accelerators[shape.accelerator].title,
            "localDisks": shape.nvme_count,
            "localDisksTotalSizeInGbs": shape.nvme_count * shape.nvme_gb,
            "quotaNames": [shape.limit],
            "isFlexible": False,
        }
        for shape in (catalog.shapes[name] for name in offered)
        if arguments.get("shape") in (None, shape.name)
    ]


def _services(region: str) -> list[Properties]:
    letters = airport(region)
    return [
        {
            "id": made_up("service", region, "objectstorage"),
            "name": f"OCI {letters} Object Storage",
            "cidrBlock": f"oci-{letters.lower()}-objectstorage",
        },
        {
            "id": made_up("service", region, "all"),
            "name": f"All {letters} Services In Oracle Services Network",
            "cidrBlock": f"all-{letters.lower()}-services-in-oracle-services-network",
        },
    ]


def _vnic_id(instance: CloudResource) -> str:
    return instance.id.replace("ocid1.instance.", "ocid1.vnic.")


def _attachments(arguments: Properties, cloud: Cloud) -> list[Properties]:
    return [
        {
            "id": instance.id.replace("ocid1.instance.", "ocid1.vnicattachment."),
            "instanceId": instance.id,
            "vnicId": _vnic_id(instance),
            "subnetId": instance.outputs.get("subnetId"),
            "availabilityDomain": instance.inputs["availabilityDomain"],
            "compartmentId": instance.inputs["compartmentId"],
            "state": "ATTACHED",
            "nicIndex": 0,
        }
        for instance in cloud.of_type(_INSTANCE)
        if arguments.get("instanceId") in (None, instance.id) and arguments.get("vnicId") in (None, _vnic_id(instance))
    ]


def _vnic(vnic_id: str, cloud: Cloud) -> Properties:
    instance = next((each for each in cloud.of_type(_INSTANCE) if _vnic_id(each) == vnic_id), None)
    if instance is None:
        return {"vnicId": vnic_id}
    return {
        "vnicId": vnic_id,
        "id": vnic_id,
        "privateIpAddress": instance.outputs.get("privateIp"),
        "publicIpAddress": instance.outputs.get("publicIp"),
        "subnetId": instance.outputs.get("subnetId"),
        "availabilityDomain": instance.inputs["availabilityDomain"],
        "compartmentId": instance.inputs["compartmentId"],
        "nsgIds": at(instance.inputs, "createVnicDetails", "nsgIds") or [],
        "isPrimary": True,
        "state": "AVAILABLE",
    }


def _limits(arguments: Properties, region: str) -> list[Properties]:
    names = sorted({shape.limit for shape in load_catalog().shapes.values()})
    return [
        {"name": name, "availabilityDomain": domain, "scopeType": "AD", "value": str(RULES.data["limits"]["gpus"])}
        for name in names
        for domain in domains_of(region)
        if arguments.get("name") in (None, name) and arguments.get("availabilityDomain") in (None, domain)
    ]


def _availability(arguments: Properties, cloud: Cloud) -> Properties:
    shapes = load_catalog().shapes
    used = sum(
        shapes[instance.inputs["shape"]].accelerator_count
        for instance in cloud.of_type(_INSTANCE)
        if instance.inputs["availabilityDomain"] == arguments.get("availabilityDomain")
        and instance.inputs.get("shape") in shapes
        and shapes[instance.inputs["shape"]].limit == arguments["limitName"]
    )
    return {"used": str(used), "available": str(RULES.data["limits"]["gpus"] - used)}
