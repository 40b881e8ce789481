"""Networks of simulated Oracle Cloud: subnets within their VCN, addresses, load balancers, bastions."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from simulator.cloud import Cloud, CloudResource
from simulator.oci_names import domains_of, refusal
from simulator.package import Request
from simulator.values import Properties, at, is_list

VCN = "oci:Core/vcn:Vcn"
SUBNET = "oci:Core/subnet:Subnet"
PUBLIC_IP = "oci:Core/publicIp:PublicIp"
BALANCER = "oci:NetworkLoadBalancer/networkLoadBalancer:NetworkLoadBalancer"
BACKEND_SET = "oci:NetworkLoadBalancer/backendSet:BackendSet"
BASTION = "oci:Bastion/bastion:Bastion"
SESSION = "oci:Bastion/session:Session"


def admit(request: Request, everything: Sequence[CloudResource]) -> None:
    """Refuse what does not fit what is there. Raises CloudError."""
    if request.token == SUBNET:
        _admit_subnet(request, everything)
    elif backend_set := request.inputs.get("defaultBackendSetName") or request.inputs.get("backendSetName"):
        balancer = str(request.inputs["networkLoadBalancerId"])
        if find(everything, BALANCER, balancer) and not find(
            everything, BACKEND_SET, f"networkLoadBalancers/{balancer}/backendSets/{backend_set}"
        ):
            raise refusal(
                404,
                "NotAuthorizedOrNotFound",
                f"Authorization failed or requested resource not found: backend set {backend_set}.",
                request.token,
            )
    elif request.token == BALANCER:
        subnet = find(everything, SUBNET, str(request.inputs["subnetId"]))
        if subnet and prohibits_public(subnet) and request.inputs.get("isPrivate") is not True:
            raise _private_subnet(request, subnet)


def _admit_subnet(request: Request, everything: Sequence[CloudResource]) -> None:
    vcn = find(everything, VCN, str(request.inputs["vcnId"]))
    domain = request.inputs.get("availabilityDomain")
    if domain and domain not in domains_of(str(request.config.get("region"))):
        raise refusal(400, "InvalidParameter", f"Unknown availabilityDomain {domain}", request.token)
    if vcn is None:
        return
    blocks = [ipaddress.ip_network(block) for block in vcn.outputs.get("cidrBlocks") or ()]
    for network in networks(request.inputs):
        if not any(network.version == 4 and block.version == 4 and network.subnet_of(block) for block in blocks):
            told = f"The requested CIDR {network} is invalid: it is not within the VCN's {', '.join(map(str, blocks))}."
            raise refusal(400, "InvalidParameter", told, request.token)
        for other in everything:
            if other.type == SUBNET and other.inputs.get("vcnId") == vcn.id:
                for taken in networks(other.inputs):
                    if network.overlaps(taken):
                        told = f"The requested CIDR {network} is invalid: subnet {other.id} with CIDR {taken} overlaps."
                        raise refusal(400, "InvalidParameter", told, request.token)


def find(everything: Sequence[CloudResource], type_: str, id_: str) -> CloudResource | None:
    """The resource of this type and OCID."""
    return next((found for found in everything if found.type == type_ and found.id == id_), None)


def networks(inputs: Properties) -> list[ipaddress.IPv4Network]:
    """The IPv4 ranges of a subnet."""
    blocks = inputs.get("ipv4cidrBlocks") or [inputs.get("cidrBlock")]
    return [ipaddress.IPv4Network(block) for block in blocks if isinstance(block, str)]


def prohibits_public(subnet: CloudResource) -> bool:
    """Whether nothing in the subnet can have a public address."""
    return subnet.inputs.get("prohibitPublicIpOnVnic") is True or subnet.inputs.get("prohibitInternetIngress") is True


def _private_subnet(request: Request, subnet: CloudResource) -> Exception:
    told = f"Public IP addresses are prohibited in subnet {subnet.id}. Set isPrivate, or another subnet."
    return refusal(400, "InvalidParameter", told, request.token)


def private_address(resource: CloudResource, subnet_id: str, cloud: Cloud) -> str:
    """An address of the subnet; of the documentation's where the subnet is not simulated."""
    subnet = cloud.find(SUBNET, subnet_id)
    ranges = networks(subnet.inputs) if subnet else []
    if subnet is None or not ranges:
        return cloud.address_of(resource, "private")
    return cloud.private_address_of(resource, subnet.id, ranges[0])


def outputs(request: Request, resource: CloudResource, cloud: Cloud) -> Properties:
    """What the cloud adds to the inputs of what makes up a network."""
    inputs = request.inputs
    match request.token:
        case "oci:Core/vcn:Vcn":
            blocks = inputs.get("cidrBlocks") or [inputs.get("cidrBlock")]
            return {"cidrBlocks": blocks, "cidrBlock": blocks[0]}
        case "oci:Core/subnet:Subnet":
            return _subnet_outputs(inputs, cloud)
        case "oci:NetworkLoadBalancer/networkLoadBalancer:NetworkLoadBalancer":
            return {"ipAddresses": _balancer_addresses(inputs, resource, cloud)}
        case "oci:Bastion/bastion:Bastion":
            subnet = cloud.find(SUBNET, str(inputs["targetSubnetId"]))
            return {
                "privateEndpointIpAddress": private_address(resource, str(inputs["targetSubnetId"]), cloud),
                "targetVcnId": subnet.inputs["vcnId"] if subnet else None,
            }
        case "oci:Bastion/session:Session":
            return _session_outputs(request, resource, cloud)
        case _:
            return {}


def _subnet_outputs(inputs: Properties, cloud: Cloud) -> Properties:
    vcn = cloud.find(VCN, str(inputs["vcnId"]))
    of_vcn: Properties = vcn.outputs if vcn else {}
    ranges = networks(inputs)
    return {
        "routeTableId": of_vcn.get("defaultRouteTableId"),
        "securityListIds": [of_vcn.get("defaultSecurityListId")],
        "dhcpOptionsId": of_vcn.get("defaultDhcpOptionsId"),
        "prohibitPublicIpOnVnic": False,
        "prohibitInternetIngress": inputs.get("prohibitPublicIpOnVnic") is True,
        "virtualRouterIp": str(ranges[0][1]) if ranges else None,
    }


def _balancer_addresses(inputs: Properties, resource: CloudResource, cloud: Cloud) -> list[Properties]:
    own = {
        "ipAddress": private_address(resource, str(inputs["subnetId"]), cloud),
        "isPublic": False,
        "ipVersion": "IPV4",
    }
    if inputs.get("isPrivate") is True:
        return [own]
    reserved = inputs.get("reservedIps")
    id_ = at(reserved[0], "id") if is_list(reserved) and reserved else None
    found = cloud.find(PUBLIC_IP, str(id_)) if id_ else None
    address = found.outputs["ipAddress"] if found else cloud.address_of(resource)
    public = {"ipAddress": address, "isPublic": True, "ipVersion": "IPV4"}
    return [public | ({"reservedIps": [{"id": id_}]} if id_ else {}), own]


def _session_outputs(request: Request, resource: CloudResource, cloud: Cloud) -> Properties:
    bastion = cloud.find(BASTION, str(request.inputs["bastionId"]))
    target: Properties = request.inputs["targetResourceDetails"]
    jump = f"{resource.id}@host.bastion.{request.config.get('region')}.oci.oraclecloud.com"
    address = target.get("targetResourcePrivateIpAddress") or "<private IP>"
    port = target.get("targetResourcePort") or 22
    command = f"ssh -i <privateKey> -N -L <localPort>:{address}:{port} -p 22 {jump}"
    if target.get("sessionType") == "MANAGED_SSH":
        user = target.get("targetResourceOperatingSystemUserName") or "opc"
        through = f"ssh -i <privateKey> -W %h:%p -p 22 {jump}"
        command = f'ssh -i <privateKey> -o ProxyCommand="{through}" -p {port} {user}@{address}'
    return {"bastionName": bastion.name if bastion else None, "sshMetadata": {"command": command}}
