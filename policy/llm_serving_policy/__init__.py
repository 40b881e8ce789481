"""What a program that serves large language models must not deploy.

Every policy judges the inputs of resources of Google Cloud, Oracle Cloud and Kubernetes, whoever's program declares
them, and says what is wrong, where, and what to set instead. What a preview does not know yet counts as right there,
and is judged when `pulumi up` knows it, before the resource is made.
"""

from pulumi_policy import Policy

from .buckets import BUCKETS_PRIVATE
from .cost import COST_CEILING
from .images import IMAGES_PINNED
from .network import CONTROL_PLANES_RESTRICTED, ENDPOINTS_RESTRICTED, NO_OPEN_RANGES
from .pools import CLUSTERS_MAINTAINED, POOLS_BOUNDED
from .tokens import NO_PLAIN_TOKENS

POLICIES: tuple[Policy, ...] = (
    ENDPOINTS_RESTRICTED,
    CONTROL_PLANES_RESTRICTED,
    NO_OPEN_RANGES,
    NO_PLAIN_TOKENS,
    POOLS_BOUNDED,
    CLUSTERS_MAINTAINED,
    BUCKETS_PRIVATE,
    IMAGES_PINNED,
    COST_CEILING,
)

__all__ = ["POLICIES"]
