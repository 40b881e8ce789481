"""What can be known to be wrong with an OciGpuHost before it is asked for."""

import re
from collections.abc import Iterator

from ..args import Input
from ..catalog import Shape, load_catalog
from ..findings import Finding, Severity, error, warning
from ..inference.triton_checks import check_triton
from ..names import check_name
from ..sizing import weight_bytes
from ..texts import check_map, check_text
from .access_checks import check_access
from .engine_store import DEFAULT_SIZE_GB, kind_of, store_of
from .gpu_host_args import BOOT_VOLUME_GB, EngineStoreKind, OciGpuHostArgs, OciNetworkArgs
from .placement import domains_of, image_of, region_of, tenancy_of
from .user_data import check_user_data

NAME_LIMIT = 40
"""So that names of children, some of which end in another 20 characters, are all that Oracle accepts."""


def check_oci_gpu_host(name: str, args: OciGpuHostArgs) -> list[Finding]:
    """Return everything that can be known to be wrong with hosts called `name`, by path within `args`."""
    shape = load_catalog().shapes.get(args.shape)
    findings = [
        *check_name(name, NAME_LIMIT, "cannot begin the names of hosts and what belongs to them"),
        *_check_region(args, shape),
        *_check_domains(args),
        *_check_ids(args),
        *_check_image(args),
        *check_access(args),
        *_check_token(args),
        *check_text("oracle-image", image_of(args).name, "image.name"),
        *check_text("oracle-region", args.home_region, "homeRegion"),
        *check_map("oracle-tag", args.tags, "tags"),
    ]
    if shape is None:
        return findings
    findings += _check_disks(args, shape)
    about_triton = check_triton(args.triton, shape, args.boot_volume_gb or BOOT_VOLUME_GB, nvme=args.nvme is True)
    # the boot volume is the host's
    findings += [finding if finding.path == "bootVolumeGb" else finding.under("triton") for finding in about_triton]
    if not any(finding.severity is Severity.ERROR for finding in findings):
        findings += check_user_data(args, shape)
    return findings


def _check_region(args: OciGpuHostArgs, shape: Shape | None) -> Iterator[Finding]:
    catalog, region = load_catalog(), region_of(args)
    if shape is None:
        known = ", ".join(catalog.shapes)
        yield error("shape-unknown", "shape", f"there is no shape with GPUs '{args.shape}'.", f"Known: {known}.")
    if not tenancy_of(args):
        message = "no tenancy is set, in which the rights of the hosts are granted."
        yield error(
            "tenancy-missing", "oci:tenancyOcid", message, "Run `pulumi config set oci:tenancyOcid TENANCY_OCID`."
        )
    if not region:
        message = "no region of Oracle Cloud is set."
        yield error("region-missing", "oci:region", message, "Run `pulumi config set oci:region us-ashburn-1`.")
        return
    known_region = catalog.oci_regions.get(region)
    if known_region is None:
        message = f"the catalogue does not know region '{region}'; what it offers is not checked."
        yield from check_text("oracle-region", region, "oci:region")
        yield warning("region-unknown", "oci:region", message, "Check its name, and that it offers the shape.")
    elif shape is not None and known_region.shapes is not None and shape.name not in known_region.shapes:
        others = [
            each.name for each in catalog.oci_regions.values() if each.shapes is None or shape.name in each.shapes
        ]
        # those with three availability domains are the likeliest to have one free
        others.sort(key=lambda each: -catalog.oci_regions[each].availability_domains)
        yield error(
            "region-without-shape",
            "oci:region",
            f"{region} is not known to offer {shape.name}.",
            f"Set a region as {', '.join(others[:4])}; or shape to one of {', '.join(known_region.shapes)}.",
        )


def _check_domains(args: OciGpuHostArgs) -> Iterator[Finding]:
    region = load_catalog().oci_regions.get(region_of(args) or "")
    seen: set[str] = set()
    for index, domain in enumerate(args.availability_domains or []):
        where = f"availabilityDomains[{index}]"
        match = re.fullmatch(r"(?:[A-Za-z0-9]+:[A-Z0-9-]+-)?(AD-([1-9]))", domain)
        if match is None:
            message = f"'{domain}' is not the name of an availability domain."
            yield error("availability-domain-invalid", where, message, "Write it as AD-1, or as Uocm:PHX-AD-1.")
            continue
        if region is not None and int(match[2]) > region.availability_domains:
            message = f"{region.name} has {region.availability_domains} availability domains, and no {match[1]}."
            last = f"Set AD-1{f' to AD-{region.availability_domains}' if region.availability_domains > 1 else ''}."
            yield error("availability-domain-unknown", where, message, last)
        if match[1] in seen:
            yield error("availability-domain-twice", where, f"'{match[1]}' is named twice.", "Remove one of them.")
        seen.add(match[1])
    if args.fault_domain is not None and not re.fullmatch(r"FAULT-DOMAIN-[1-3]", args.fault_domain):
        message = f"'{args.fault_domain}' is not a fault domain."
        yield error("fault-domain-invalid", "faultDomain", message, "Write it as FAULT-DOMAIN-1, 2 or 3.")
    if args.capacity_reservation_id is not None and len(domains_of(args)) != 1:
        yield error(
            "reservation-availability-domain",
            "availabilityDomains",
            "a capacity reservation is in one availability domain.",
            "Name that one alone.",
        )


def _check_ids(args: OciGpuHostArgs) -> Iterator[Finding]:
    network = args.network or OciNetworkArgs()
    ids: dict[str, tuple[Input[str] | None, str]] = {
        "compartmentId": (args.compartment_id, "compartment|tenancy"),
        "oci:tenancyOcid" if args.tenancy_id is None else "tenancyId": (tenancy_of(args), "tenancy"),
        "capacityReservationId": (args.capacity_reservation_id, "capacityreservation"),
        "image.id": (image_of(args).id, "image"),
        "keyId": (args.key_id, "key"),
        "tokenSecretId": (args.token_secret_id, "vaultsecret"),
        "network.vcnId": (network.vcn_id, "vcn"),
        "network.hostSubnetId": (network.host_subnet_id, "subnet"),
        "network.balancerSubnetId": (network.balancer_subnet_id, "subnet"),
    }
    for path, (ocid, kinds) in ids.items():
        # one that another resource will have is not known yet
        if isinstance(ocid, str) and ocid and not re.fullmatch(rf"ocid1\.({kinds})\.[a-z0-9]+(\.[a-z0-9-]*)+", ocid):
            kind = kinds.split("|")[0]
            message = f"'{ocid}' is not the OCID of a {kind}."
            yield error("ocid-invalid", path, message, f"Copy it from the console: it begins with ocid1.{kind}.oc1.")


def _check_image(args: OciGpuHostArgs) -> Iterator[Finding]:
    image = image_of(args)
    given = {"version": image.version, "name": image.name, "id": image.id}
    chosen = [key for key, value in given.items() if value is not None]
    if len(chosen) > 1:
        message = f"{' and '.join(chosen)} each say which image is meant."
        yield error("image-ambiguous", "image", message, "Keep one of them.")
    if image.version is not None and not re.fullmatch(r"[0-9]+(\.[0-9]+)?", image.version):
        message = f"'{image.version}' is not the version of an operating system."
        yield error("image-version-invalid", "image.version", message, "Write it as 8, or as 22.04.")


def _check_token(args: OciGpuHostArgs) -> Iterator[Finding]:
    if args.token is not None and args.token_secret_id is not None:
        message = "the token is in a Vault secret of yours already."
        yield error("token-twice", "tokenSecretId", message, "Remove it, or huggingFaceToken.")
    model = load_catalog().models.get(args.triton.model)
    if model is not None and model.gated and args.token is None and args.token_secret_id is None:
        yield error(
            "token-missing",
            "token",
            f"'{model.name}' is gated: without a Hugging Face token its download is refused.",
            "Accept its terms on Hugging Face, then run `pulumi config set --secret huggingFaceToken TOKEN`, or set"
            " host.tokenSecretId to a Vault secret that holds one.",
        )


def _check_disks(args: OciGpuHostArgs, shape: Shape) -> Iterator[Finding]:
    if args.nvme and not shape.nvme_count:
        yield error("nvme-missing", "nvme", f"{shape.name} has no NVMe drives.", "Remove nvme.")
    store, size = store_of(args), store_of(args).size_gb or DEFAULT_SIZE_GB
    if kind_of(args) is EngineStoreKind.BUCKET:
        if store.size_gb is not None:
            message = "a bucket grows with what is in it."
            yield error("engine-store-size-unused", "engineStore.sizeGb", message, "Remove it.")
    elif args.triton.model in load_catalog().models:
        # an engine of 16 bits is as large as the weights
        needed = round(weight_bytes(args.triton.model, None) / 1e9 * 1.1)
        if size < needed:
            yield error(
                "engine-store-too-small",
                "engineStore.sizeGb",
                f"the engine of '{args.triton.model}' takes about {needed} GB, and the volume has {size}.",
                f"Set at least {needed}.",
            )
