"""What things are called on simulated Oracle Cloud: regions, availability domains, OCIDs; and how it refuses."""

from __future__ import annotations

import re

from components.catalog import load_catalog
from simulator.cloud import CloudResource
from simulator.errors import CloudError
from simulator.rules import load_rules
from simulator.templates import Fields
from simulator.values import Properties, is_list, is_object

RULES = load_rules("oci")
OCID = re.compile(r"ocid1\.(?P<kind>\w+)\.oc\d+\.[\w-]*\.\S+")
_MARK = "aaaaaaaasimulated"
"""Begins the last part of each OCID that the simulator makes up."""


def domains_of(region: str) -> list[str]:
    """The availability domains of a region. One that the catalogue does not know has one."""
    names = RULES.data["names"]
    known = load_catalog().oci_regions.get(region)
    base = names["in_domains"].get(region, region.upper())
    count = known.availability_domains if known else 1
    return [f"{names['prefix']}:{base}-AD-{number}" for number in range(1, count + 1)]


def shapes_of(region: str, domain: str) -> list[str]:
    """The shapes of the catalogue that an availability domain offers."""
    catalog = load_catalog()
    known = catalog.oci_regions.get(region)
    offered = catalog.shapes if known is None or known.shapes is None else known.shapes
    lacking = RULES.data["capacity"]["lacking"].get(f"AD-{domain.rpartition('-AD-')[2]}", [])
    return [shape for shape in catalog.shapes if shape in offered and shape not in lacking]


def unique(seed: str) -> str:
    """The last part of an OCID. The same seed gives the same one."""
    return _MARK + format(Fields({}, seed)["base32"], "43")


def made_up(kind: str, region: str, seed: str) -> str:
    """An OCID of something that is no resource of a program, such as an image."""
    return f"ocid1.{kind}.oc1.{region_key(region)}.{unique(f'{kind} {seed}')}"


def region_key(region: str) -> str:
    """What OCIDs call a region."""
    return RULES.data["names"]["in_ocids"].get(region, region)


def airport(region: str) -> str:
    """The three letters that a region also goes by."""
    return RULES.data["names"]["keys"].get(region, region[:3].upper())


def strings(value: object) -> set[str]:
    """Every string in a value, at any depth, but for secrets."""
    if is_object(value):
        return {text for item in value.values() for text in strings(item)}
    if is_list(value):
        return {text for item in value for text in strings(item)}
    return {value} if isinstance(value, str) else set()


def is_made_up(ocid: str) -> bool:
    """Whether the simulator made this OCID up, so that it knows whether there is such a resource."""
    return OCID.fullmatch(ocid) is not None and f".{_MARK}" in ocid


def refusal(status: int, code: str, message: str, token: str) -> CloudError:
    """An error in the words of the oci provider."""
    service = f"{token.split(':')[1].partition('/')[0]} {title(token)}"
    suggestion = RULES.data["suggestions"][code].format(service=service, message=message)
    return CloudError(status, f"{status}-{code}, {message}\nSuggestion: {suggestion}\nService: {service}")


def title(token: str) -> str:
    """The name of a type for people: `Network Security Group`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", token.rpartition(":")[2])


def users(resource: CloudResource, everything: list[CloudResource]) -> list[CloudResource]:
    """What names the resource in its inputs, so that it cannot be deleted."""
    leaves = RULES.data["blocked"]["leaves"]
    return [
        other
        for other in everything
        if other.key != resource.key and other.type not in leaves and resource.id in strings(_own(other))
    ]


def _own(resource: CloudResource) -> Properties:
    # what an instance is told in its metadata, or a policy in its statements, holds up nothing
    texts = ("metadata", "extendedMetadata", "matchingRule", "statements")
    return {key: value for key, value in resource.inputs.items() if key not in texts}
