"""Compares what a stack needs with what the account, Hugging Face and registries have.

What cannot be asked, because a library, a right or the network is missing, is left out with the reason.
"""

from collections.abc import Iterable

from cli.online.answer import Answer
from cli.online.google_quota import check_google_quota
from cli.online.hugging_face import check_model_access
from cli.online.oci_limits import check_oci_limits, oci_clients
from cli.online.registry import check_image
from components.quota import Quota
from stacks import Needs

__all__ = ["Answer", "ask_online"]


def ask_online(needs: Needs, accounts: dict[str, str]) -> Answer:
    """Return what is missing of `needs`.

    `accounts` are the configured account values, by full key; those that are made up do not belong there.
    """
    answer = Answer()
    if needs.quotas:
        answer += _ask_account(needs.quotas, accounts)
    for model in needs.models:
        answer += check_model_access(model)
    for image in needs.images:
        answer += check_image(image)
    return answer


def _ask_account(quotas: Iterable[Quota], accounts: dict[str, str]) -> Answer:
    on_oracle = [quota for quota in quotas if quota.cloud == "oci"]
    on_google = [quota for quota in quotas if quota.cloud == "gcp"]
    answer = Answer()
    if on_google:
        project = accounts.get("gcp:project")
        answer += (
            check_google_quota(project, on_google)
            if project
            else Answer(skipped=("quota of Google Cloud: gcp:project is not set",))
        )
    if on_oracle:
        tenancy = accounts.get("oci:tenancyOcid")
        answer += (
            check_oci_limits(tenancy, on_oracle, oci_clients(on_oracle[0].region))
            if tenancy
            else Answer(skipped=("limits of Oracle Cloud: oci:tenancyOcid is not set",))
        )
    return answer
