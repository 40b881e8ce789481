"""What to do when a node pool cannot have its nodes."""

import re

import pulumi

from ..catalog import load_catalog

WITHOUT_NODES = "was created in the error state"
"""What the provider says when GKE made a pool but no nodes for it, without the reason that GKE gives.
Source: resourceContainerNodePoolCreate of github.com/hashicorp/terraform-provider-google, pull request 10121."""

QUOTA = re.compile(r'quota to satisfy request: resource "(\w+)"')
"""What GKE says when it makes no pool, since the quota would not suffice.
Source: github.com/vanvalenlab/kiosk-console, issue 367."""


def tell_shortage(resource_name: str, machine_type: str, zones: list[str]) -> pulumi.ErrorHook:
    """Return a hook that says what to do when there is no capacity or no quota. It does not try again."""
    machine = load_catalog().machines.get(machine_type)
    what = f"{machine_type} with {machine.accelerator}" if machine and machine.accelerator else machine_type

    def tell(failed: pulumi.ErrorHookArgs) -> bool:
        if any(WITHOUT_NODES in message for message in failed.errors):
            pulumi.log.error(
                f"{failed.name}: GKE made the pool, but not its nodes: {' and '.join(zones)} had no {what} left, or a"
                " quota of Compute Engine such as GPUS_ALL_REGIONS does not suffice. `gcloud container node-pools"
                " describe` tells which, as statusMessage. GKE goes on trying: run `pulumi up` again later. Or name"
                " other zones or a reservation for the pool; or set its nodes and minNodes to 0, so that nodes come"
                " when pods wait for them."
            )
        elif short := next((found for message in failed.errors if (found := QUOTA.search(message))), None):
            pulumi.log.error(
                f"{failed.name}: no pool was made, since the project's quota {short[1]} does not suffice for"
                f" {what}. Ask for more in Google Cloud's console, IAM & Admin, Quotas; or set the pool's nodes and"
                " minNodes to less. Then run `pulumi up` again."
            )
        return False

    return pulumi.ErrorHook(f"{resource_name}-shortage", tell)
