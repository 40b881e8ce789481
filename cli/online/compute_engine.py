"""Prints what Compute Engine says of the quota of a project, as JSON.

A program of its own: `python compute_engine.py PROJECT REGION...`. Google's SDK and Pulumi's bring two definitions of
`google.rpc.Status`, which one process cannot load, so nothing of this project is imported here.
"""

import json
import os
import sys
from importlib import import_module
from typing import Any

SECONDS = 20
"""How long one question may take."""

ENDPOINT = "CLOUDSDK_API_ENDPOINT_OVERRIDES_COMPUTE"
"""Environment variable by which gcloud, too, is sent elsewhere."""


def quota_of(project: str, regions: list[str]) -> dict[str, Any]:
    """Return limit and usage by metric, under `limits` by region, of the project as a whole under an empty name.

    Why one of them is missing is under `failures` by the same names, why all of them are under `failure`. `Any`: JSON.
    """
    try:
        compute: Any = import_module("google.cloud.compute_v1")  # Any: only partly typed, as are the next
        refusals: Any = import_module("google.api_core.exceptions")
        auth: Any = import_module("google.auth.exceptions")
    except ImportError:
        return {"failure": "google-cloud-compute is not installed: pip install 'llm-serving[online]'"}
    settings = {"client_options": {"api_endpoint": os.environ[ENDPOINT]}} if ENDPOINT in os.environ else {}
    try:
        in_regions, in_project = compute.RegionsClient(**settings), compute.ProjectsClient(**settings)
    except auth.GoogleAuthError as refused:
        return {"failure": f"no credentials: run `gcloud auth application-default login` ({_first_line(refused)})"}
    limits: dict[str, dict[str, list[float]]] = {}
    failures: dict[str, str] = {}
    once = {"timeout": SECONDS, "retry": None}
    for region in ["", *regions]:
        try:
            told = (
                in_regions.get(project=project, region=region, **once)
                if region
                else in_project.get(project=project, **once)
            )
        except (refusals.GoogleAPICallError, refusals.RetryError, auth.GoogleAuthError, OSError) as failed:
            failures[region] = _first_line(failed)
        else:
            limits[region] = {each.metric: [each.limit, each.usage] for each in told.quotas}
    return {"limits": limits, "failures": failures}


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


if __name__ == "__main__":
    json.dump(quota_of(sys.argv[1], sys.argv[2:]), sys.stdout)
