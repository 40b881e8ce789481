"""Writes this job's identity token to a file, and tells the OCI provider of it in the environment of the steps to come.

The provider exchanges it for a session of its own. GitHub's tokens live for minutes: run it just before Pulumi.
"""

import json
import os
import urllib.parse
import urllib.request
from pathlib import Path

AUDIENCE = "https://cloud.oracle.com"
"""For whom the token is, as the trust in the identity domain may ask."""


def main() -> None:
    """Ask GitHub, and write."""
    audience = urllib.parse.urlencode({"audience": AUDIENCE})
    request = urllib.request.Request(  # noqa: S310  the address is GitHub's own
        f"{os.environ['ACTIONS_ID_TOKEN_REQUEST_URL']}&{audience}",
        headers={"Authorization": f"bearer {os.environ['ACTIONS_ID_TOKEN_REQUEST_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310  as above
        token = json.load(answer)["value"]
    path = Path(os.environ["RUNNER_TEMP"], "oci-identity-token")
    path.touch(mode=0o600)
    path.write_text(token, encoding="utf-8")
    settings = {
        "auth": "WorkloadIdentityFederation",
        "workload_identity_token_path": path,
        "token_exchange_requested_token_type": "urn:oci:token-type:oci-upst",
        "token_exchange_subject_token_type": "jwt",
    }
    with Path(os.environ["GITHUB_ENV"]).open("a", encoding="utf-8") as environment:
        environment.writelines(f"TF_VAR_{name}={value}\n" for name, value in settings.items())


if __name__ == "__main__":
    main()
