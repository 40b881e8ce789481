"""Where the hosts of OciGpuHost are launched, and from which image."""

from __future__ import annotations  # or the SDK would be loaded for them, of whichever cloud the stack is

import re

import pulumi
import pulumi_oci as oci

from ..args import Input, given
from ..catalog import load_catalog
from .gpu_host_args import OciGpuHostArgs, OciImageArgs, OperatingSystem

AVAILABLE = "AVAILABLE"
"""What a capacity report says of a shape that there is."""

OUT_OF_CAPACITY = "Out of host capacity"
"""What Oracle says when it has no machine for an instance, as an internal error of its own.
Source: github.com/terraform-oci/ampernetacle, issues 40 and 54."""

ASK_AGAIN = "pulumi up --replace '**oci:Core/computeCapacityReport:ComputeCapacityReport**'"
"""Makes Oracle's reports anew. Not while hosts run: the capacity that they take is no longer there for others."""

IMAGES = {
    OperatingSystem.ORACLE_LINUX: ("Oracle Linux", "8", r"^Oracle-Linux-{version}\.\d+-Gen2-GPU-\d"),
    OperatingSystem.UBUNTU: ("Canonical Ubuntu", "22.04", r"^Canonical-Ubuntu-{version}-\d"),
}
"""By operating system: its name at Oracle, the version that is taken, and what its images for these shapes are called.
Source: docs.oracle.com/en-us/iaas/images, 2026-11-21."""


def region_of(args: OciGpuHostArgs) -> str | None:
    """Return the region, or None if none is known."""
    return args.region or oci.config.region


def tenancy_of(args: OciGpuHostArgs) -> Input[str] | None:
    """Return the OCID of the tenancy, or None if none is known."""
    return args.tenancy_id if args.tenancy_id is not None else pulumi.Config("oci").get("tenancyOcid")


def domains_of(args: OciGpuHostArgs) -> list[str]:
    """Return the availability domains to try, in order, by full name or by its end."""
    if args.availability_domains:
        return args.availability_domains
    region = load_catalog().oci_regions.get(region_of(args) or "")
    return [f"AD-{number}" for number in range(1, (region.availability_domains if region else 1) + 1)]


def find_domain(names: list[str], wanted: str) -> str:
    """Return the one of the tenancy's `names` that is `wanted`, or ends so.

    Raises:
        RunError: there is none.
    """
    found = next((name for name in names if name == wanted or name.endswith(f"-{wanted}")), None)
    if found is None:
        raise pulumi.RunError(f"There is no availability domain '{wanted}'. This tenancy's: {', '.join(names)}.")
    return found


def choose_domain(reports: list[tuple[str, str | None]]) -> str:
    """Return the first availability domain of `reports` (its name, and what Oracle says of the shape) with capacity.

    If there is none, the first: its launch fails with Oracle's own words, and succeeds on a later run.
    """
    return next((name for name, status in reports if status == AVAILABLE), reports[0][0])


def availability_domain(
    name: str, args: OciGpuHostArgs, tenancy: Input[str], opts: pulumi.ResourceOptions
) -> pulumi.Output[str]:
    """Return the availability domain of the hosts, by full name.

    If there are several, Oracle's capacity reports decide. They are resources, made once, so that the choice is the
    same on every run, whatever has become of the capacity since.
    """
    known = oci.identity.get_availability_domains_output(
        compartment_id=tenancy, opts=pulumi.InvokeOutputOptions(parent=opts.parent)
    ).availability_domains.apply(lambda domains: [domain.name for domain in domains])
    wanted = domains_of(args)
    names = [known.apply(lambda names, each=each: find_domain(names, each)) for each in wanted]
    if len(names) == 1:
        return names[0]
    reports = [
        oci.core.ComputeCapacityReport(
            f"{name}-capacity-{each.rpartition(':')[2].lower()}",
            availability_domain=domain,
            compartment_id=tenancy,
            shape_availabilities=[
                oci.core.ComputeCapacityReportShapeAvailabilityArgs(
                    instance_shape=args.shape, **given(fault_domain=args.fault_domain)
                )
            ],
            opts=opts,
        )
        for each, domain in zip(wanted, names, strict=True)
    ]
    told = [
        pulumi.Output.all(domain, report.shape_availabilities[0].availability_status)
        for domain, report in zip(names, reports, strict=True)
    ]
    return pulumi.Output.all(*told).apply(lambda known: choose_domain([(domain, status) for domain, status in known]))


def tell_capacity(name: str, args: OciGpuHostArgs) -> pulumi.ErrorHook:
    """Return a hook that says what to do when Oracle has no machine after all. It does not try again."""

    def tell(failed: pulumi.ErrorHookArgs) -> bool:
        if any(OUT_OF_CAPACITY in message for message in failed.errors):
            tried = str((failed.new_inputs or {}).get("availabilityDomain", ""))
            others = [each for each in domains_of(args) if not tried.endswith(each)]
            elsewhere = f"set availabilityDomains to {' or '.join(others)} alone" if others else "try another region"
            pulumi.log.error(
                f"{failed.name}: Oracle has no {args.shape} left in {tried}. Run `pulumi up` again later; or"
                f" {elsewhere}; or ask Oracle anew where there is one, with `{ASK_AGAIN}`; or name a capacity"
                " reservation."
            )
        return False

    return pulumi.ErrorHook(f"{name}-capacity", tell)


def image_of(args: OciGpuHostArgs) -> OciImageArgs:
    """Return which image the hosts boot."""
    return args.image or OciImageArgs()


def operating_system_of(args: OciGpuHostArgs) -> OperatingSystem:
    """Return what the hosts boot."""
    return image_of(args).operating_system or OperatingSystem.ORACLE_LINUX


def is_pinned(args: OciGpuHostArgs) -> bool:
    """Return whether the image is named, so that another name is meant to replace the hosts."""
    image = image_of(args)
    return image.id is not None or image.name is not None


def image_id(args: OciGpuHostArgs, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """Return the OCID of the image."""
    image = image_of(args)
    if image.id is not None:
        return pulumi.Output.from_input(image.id)
    system, version, pattern = IMAGES[operating_system_of(args)]
    version = image.version or version
    name = f"^{re.escape(image.name)}$" if image.name else pattern.format(version=re.escape(version))
    images = oci.core.get_images_output(
        compartment_id=args.compartment_id,
        operating_system=system,
        # the name of one image says its version, too
        **given(operating_system_version=None if image.name else version),
        shape=args.shape,
        state="AVAILABLE",
        sort_by="TIMECREATED",
        sort_order="DESC",
        filters=[oci.core.GetImagesFilterArgs(name="display_name", values=[name], regex=True)],
        opts=pulumi.InvokeOutputOptions(parent=opts.parent),
    ).images

    def newest(found: list[oci.core.outputs.GetImagesImageResult]) -> str:
        if not found:
            what = f"image '{image.name}'" if image.name else f"image of {system} {version} with GPU support"
            raise pulumi.RunError(
                f"Oracle offers no {what} for {args.shape} in this region. Set image.version, image.name or image.id."
            )
        return found[0].id

    return images.apply(newest)
