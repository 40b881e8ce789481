"""What the hosts of OciGpuHost may do: read the token, reach the engines, and nothing else."""

import base64
from collections.abc import Sequence

import pulumi
import pulumi_oci as oci

from ..args import Input, given
from ..names import bounded
from .gpu_host_args import OciGpuHostArgs
from .placement import region_of

NAME_LIMIT = 100
"""Characters of the name of a dynamic group or policy."""


def create_token_secret(
    name: str, args: OciGpuHostArgs, token: Input[str], opts: pulumi.ResourceOptions
) -> oci.vault.Secret:
    """Register a Vault secret that holds `token`, with a vault and a key of its own.

    Oracle deletes a vault only some days after it is asked to.
    """
    common = given(compartment_id=args.compartment_id, freeform_tags=args.tags)
    vault = oci.kms.Vault(f"{name}-vault", display_name=name, vault_type="DEFAULT", opts=opts, **common)
    key = oci.kms.Key(
        f"{name}-key",
        display_name=name,
        management_endpoint=vault.management_endpoint,
        key_shape=oci.kms.KeyKeyShapeArgs(algorithm="AES", length=32),
        # keys in software cost nothing, and are enough for a token that can be revoked
        protection_mode="SOFTWARE",
        opts=opts,
        **common,
    )
    return oci.vault.Secret(
        f"{name}-token",
        secret_name=f"{name}-token",
        vault_id=vault.id,
        key_id=key.id,
        secret_content=oci.vault.SecretSecretContentArgs(
            content_type="BASE64",
            content=pulumi.Output.secret(token).apply(lambda text: base64.b64encode(text.encode()).decode()),
        ),
        opts=opts,
        **common,
    )


def create_rights(
    name: str,
    args: OciGpuHostArgs,
    tenancy: Input[str],
    hosts: Sequence[oci.core.Instance],
    secret_id: Input[str] | None,
    bucket: oci.objectstorage.Bucket | None,
    opts: pulumi.ResourceOptions,
    *,
    agent_attaches: bool,
) -> None:
    """Register a dynamic group of exactly `hosts`, and a policy that lets it do what they must, if that is anything.

    `agent_attaches`: Oracle's agent on the host asks for the volumes that are attached to it.
    """
    if secret_id is None and bucket is None and not agent_attaches:
        return
    opts = _in_home_region(name, args, opts)
    unique = bounded(f"{name}-{pulumi.get_stack()}", NAME_LIMIT)
    group = oci.identity.DynamicGroup(
        f"{name}-hosts",
        compartment_id=tenancy,
        name=unique,
        description=f"Hosts of {name}",
        matching_rule=pulumi.Output.all(*(host.id for host in hosts)).apply(matching_rule),
        opts=opts,
        **given(freeform_tags=args.tags),
    )
    known = pulumi.Output.all(group.id, args.compartment_id, secret_id, bucket.name if bucket else None)
    oci.identity.Policy(
        f"{name}-policy",
        # a secret of yours may be in another compartment, which a policy of the tenancy reaches
        compartment_id=tenancy,
        name=unique,
        description=f"What the hosts of {name} may do",
        statements=known.apply(lambda parts: statements(*parts, agent_attaches=agent_attaches)),
        opts=opts,
        **given(freeform_tags=args.tags),
    )


def _in_home_region(name: str, args: OciGpuHostArgs, opts: pulumi.ResourceOptions) -> pulumi.ResourceOptions:
    """Return `opts` with a provider of the home region, if the hosts are in another one."""
    if args.home_region is None or args.home_region == region_of(args):
        return opts
    # a provider that is made knows nothing of how the stack's own logs in, unless it is told
    config = pulumi.Config("oci")
    home = oci.Provider(
        f"{name}-home",
        region=args.home_region,
        **given(
            auth=config.get("auth"),
            config_file_profile=config.get("configFileProfile"),
            tenancy_ocid=config.get("tenancyOcid"),
            user_ocid=config.get("userOcid"),
            fingerprint=config.get("fingerprint"),
            private_key=config.get_secret("privateKey"),
            private_key_path=config.get("privateKeyPath"),
            private_key_password=config.get_secret("privateKeyPassword"),
        ),
        opts=opts,
    )
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(provider=home))


def matching_rule(instances: Sequence[str]) -> str:
    """Return the rule that is true of `instances`, by OCID, and of no other."""
    return "Any {" + ", ".join(f"instance.id = '{each}'" for each in instances) + "}"


def statements(
    group: str, compartment: str, secret: str | None, bucket: str | None, *, agent_attaches: bool
) -> list[str]:
    """Return the statements of the policy of the dynamic group `group`, by OCID.

    Sources: docs.oracle.com, "Details for the Vault Service", "Details for Object Storage" and "Enabling the Block
    Volume Management Plugin", 2026-11-21.
    """
    who, where = f"Allow dynamic-group id {group} to", f"in compartment id {compartment}"
    found: list[str] = []
    if secret:
        found.append(f"{who} read secret-bundles in tenancy where target.secret.id = '{secret}'")
    if bucket:
        found += [
            f"{who} {what} {where} where target.bucket.name = '{bucket}'" for what in ("read buckets", "manage objects")
        ]
    if agent_attaches:
        found += [f"{who} use instances {where}", f"{who} use volume-attachments {where}"]
    return found
