"""What is wrong with the inputs of a resource of Oracle Cloud by themselves: OCIDs, ranges, sizes, user data."""

from __future__ import annotations

import base64
import binascii
import ipaddress
from collections.abc import Iterator
from typing import Any

from components.catalog import load_catalog
from simulator.oci_names import OCID, RULES
from simulator.values import Path, Properties, at, format_path, has_unknown, is_list, is_object, is_unknown

INSTANCE = "oci:Core/instance:Instance"
RULE = "oci:Core/networkSecurityGroupSecurityRule:NetworkSecurityGroupSecurityRule"
_RANGES = ("cidrBlock", "cidrBlocks", "ipv4cidrBlocks", "clientCidrBlockAllowLists")


def problems(token: str, inputs: Properties) -> dict[str, str]:
    """What is wrong, by property path. Values that are not known yet pass."""
    found = dict(_everywhere(inputs, ()))
    if token == RULE:
        found |= _rule(inputs)
    elif token == INSTANCE:
        found |= _instance(inputs)
    elif token.endswith((":Volume", ":Session")):
        found |= _sizes(inputs)
    elif token.endswith(":Vcn"):
        found |= _vcn(inputs)
    return found


def _everywhere(value: Any, path: Path) -> Iterator[tuple[str, str]]:  # Any: any JSON
    if is_object(value):
        for key, item in value.items():
            yield from _everywhere(item, (*path, key))
    elif is_list(value):
        for index, item in enumerate(value):
            yield from _everywhere(item, (*path, index))
    elif isinstance(value, str) and not is_unknown(value) and path:
        key = next((str(part) for part in reversed(path) if isinstance(part, str)), "")
        kinds = RULES.data["ocids"].get(key)
        match = OCID.fullmatch(value)
        if kinds and (match is None or match["kind"] not in kinds):
            yield format_path(path), f'Expected the OCID of a {" or ".join(kinds)}, got "{value}"'
        if key in _RANGES and (reason := range_problem(value)):
            yield format_path(path), reason


def range_problem(text: str) -> str:
    """Why this is no range of addresses, in Oracle's words where it is nearly one; empty: it is one."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return f'"{text}" is not a CIDR block, such as 10.0.0.0/16'
    address = text.partition("/")[0]
    if "/" not in text:
        return f'"{text}" is not a CIDR block: add /32 for one address'
    if ipaddress.ip_address(address) != network.network_address:
        network_address = network.network_address
        return f"The requested CIDR {text} is invalid: CIDR IP {address} does not match network IP {network_address}."
    return ""


def _vcn(inputs: Properties) -> dict[str, str]:
    blocks = inputs.get("cidrBlocks") or ([inputs["cidrBlock"]] if inputs.get("cidrBlock") else [])
    if not blocks and "ipv4ipamPoolIds" not in inputs:
        return {"cidrBlocks": "A VCN needs at least one CIDR block"}
    low, high = RULES.data["sizes"]["vcn_prefix"]
    for block in blocks if is_list(blocks) else ():
        if (
            not has_unknown(block)
            and not range_problem(block)
            and not low <= ipaddress.ip_network(block).prefixlen <= high
        ):
            return {"cidrBlocks": f"The requested CIDR {block} is invalid: it has to be between /{low} and /{high}."}
    return {}


def _rule(inputs: Properties) -> dict[str, str]:
    found: dict[str, str] = {}
    incoming = inputs.get("direction") == "INGRESS"
    own, other = ("source", "destination") if incoming else ("destination", "source")
    if not is_unknown(inputs.get("direction")):
        if inputs.get(own) is None:
            found[own] = f"A rule of direction {inputs.get('direction')} needs {own} and {own}Type"
        if inputs.get(other) is not None:
            found[other] = f"A rule of direction {inputs.get('direction')} has {own}, not {other}"
    peer, kind = inputs.get(own), inputs.get(f"{own}Type", "CIDR_BLOCK")
    if isinstance(peer, str) and not is_unknown(peer):
        if kind == "CIDR_BLOCK" and (reason := range_problem(peer)):
            found[own] = reason
        match = OCID.fullmatch(peer)
        if kind == "NETWORK_SECURITY_GROUP" and (match is None or match["kind"] != "networksecuritygroup"):
            found[own] = f'Expected the OCID of a networksecuritygroup, got "{peer}"'
    for options, protocols in {"tcpOptions": "6", "udpOptions": "17", "icmpOptions": "1 58"}.items():
        if inputs.get(options) and str(inputs.get("protocol")) not in protocols.split():
            found[options] = (
                f"{options} go with protocol {' or '.join(protocols.split())}, not {inputs.get('protocol')}"
            )
        for end in ("destinationPortRange", "sourcePortRange"):
            ports = at(inputs, options, end)
            low, high = at(ports, "min"), at(ports, "max")
            if isinstance(low, int) and isinstance(high, int) and not 1 <= low <= high <= 65535:
                found[f"{options}.{end}"] = f"{low} to {high} is no range of ports: 1 to 65535, the lower first"
    return found


def _sizes(inputs: Properties) -> dict[str, str]:
    found: dict[str, str] = {}
    for path, limits in (("sizeInGbs", "volume_gb"), ("sessionTtlInSeconds", "session_seconds")):
        found |= _between(path, inputs.get(path), *RULES.data["sizes"][limits])
    return found


def _between(path: str, value: object, low: int, high: int) -> dict[str, str]:
    if value is None or is_unknown(value):
        return {}
    text = str(value)
    return {} if text.isdecimal() and low <= int(text) <= high else {path: f"Expected {low} to {high}, got {text}"}


def _instance(inputs: Properties) -> dict[str, str]:
    boot = "sourceDetails.bootVolumeSizeInGbs"
    found = _between(boot, at(inputs, *boot.split(".")), *RULES.data["sizes"]["volume_gb"])
    metadata: Properties = {}
    for part in (inputs.get("metadata"), inputs.get("extendedMetadata")):
        metadata |= part if is_object(part) else {}
    size = sum(
        len(key.encode()) + len(str(value).encode()) for key, value in metadata.items() if not has_unknown(value)
    )
    if size > (limit := RULES.data["sizes"]["metadata_bytes"]):
        found["metadata"] = f"Metadata size is {size} bytes and cannot be larger than {limit} bytes"
    data = at(inputs, "metadata", "user_data")
    if isinstance(data, str) and not is_unknown(data):
        try:
            base64.b64decode(data, validate=True)
        except binascii.Error:
            found["metadata.user_data"] = "The user data has to be base64"
    if not inputs.get("shape") and not inputs.get("instanceConfigurationId"):
        found["shape"] = "An instance needs a shape"
    if not inputs.get("sourceDetails") and not inputs.get("image") and not inputs.get("instanceConfigurationId"):
        found["sourceDetails"] = "An instance needs an image or a boot volume to start from"
    shape = load_catalog().shapes.get(str(inputs.get("shape")))
    platform = at(inputs, "platformConfig", "type")
    if shape and platform and not is_unknown(platform) and shape.platform and platform != shape.platform:
        found["platformConfig.type"] = (
            f"{shape.name} takes a platform configuration of type {shape.platform}, not {platform}"
        )
    return found
