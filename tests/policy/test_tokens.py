"""Tokens and keys that stand in plain."""

import base64
import gzip
from typing import Any

import pytest
from llm_serving_policy.tokens import NO_PLAIN_TOKENS

from tests.policy.judging import UNKNOWN, judge, paths

TOKEN = "hf_" + "aB3" * 11 + "x"
DEPLOYMENT = "kubernetes:apps/v1:Deployment"
CONFIG_MAP = "kubernetes:core/v1:ConfigMap"
OCI_INSTANCE = "oci:Core/instance:Instance"
GCE_INSTANCE = "gcp:compute/instance:Instance"
CONTAINER = "spec.template.spec.containers[0]"


def deployment(**container: Any) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": [{"name": "llm", **container}]}}}}


def encoded(text: str) -> str:
    return base64.b64encode(gzip.compress(text.encode())).decode()


@pytest.mark.parametrize(
    ("resource_type", "inputs", "path"),
    [
        (DEPLOYMENT, deployment(env=[{"name": "SETTING", "value": TOKEN}]), f"{CONTAINER}.env[0].value"),
        (DEPLOYMENT, deployment(env=[{"name": "WANDB_API_KEY", "value": "0123456789abcdef"}]), f"{CONTAINER}.env[0]"),
        (DEPLOYMENT, deployment(args=[f"--token={TOKEN}"]), f"{CONTAINER}.args[0]"),
        (DEPLOYMENT, deployment(args=["--api-key=letmein"]), f"{CONTAINER}.args[0]"),
        (DEPLOYMENT, deployment(args=["--api-key", "letmein"]), f"{CONTAINER}.args"),
        (DEPLOYMENT, deployment(command=["sh", "-c", "serve --hf-token letmein"]), f"{CONTAINER}.command[2]"),
        (DEPLOYMENT, deployment(command=["sh", "-c", "HF_TOKEN=letmein serve"]), f"{CONTAINER}.command[2]"),
        (CONFIG_MAP, {"data": {"start.sh": f"login {TOKEN}"}}, "data.start.sh"),
        (CONFIG_MAP, {"data": {"DB_PASSWORD": "letmein"}}, "data.DB_PASSWORD"),
        (CONFIG_MAP, {"binaryData": {"start": encoded(f"login {TOKEN}")}}, "binaryData.start"),
        (OCI_INSTANCE, {"metadata": {"user_data": encoded(f"#cloud-config\nruncmd: [login, {TOKEN}]")}},
         "metadata.user_data"),
        # a file of cloud-init that is encoded once more
        (OCI_INSTANCE, {"metadata": {"user_data": encoded(f"content: {encoded(f'login {TOKEN} now')}")}},
         "metadata.user_data"),
        (GCE_INSTANCE, {"metadataStartupScript": "-----BEGIN RSA PRIVATE KEY-----\nMII"}, "metadataStartupScript"),
        (GCE_INSTANCE, {"metadata": {"startup-script": f"export X={TOKEN}"}}, "metadata.startup-script"),
        ("gcp:cloudrunv2/service:Service", {"template": {"containers": [{"envs": [{"name": "X", "value": TOKEN}]}]}},
         "template.containers[0].envs[0].value"),
        ("kubernetes:leaderworkerset.x-k8s.io/v1:LeaderWorkerSet", deployment(args=[TOKEN]), f"{CONTAINER}.args[0]"),
    ],
)  # fmt: skip
def test_plain_tokens_are_found(resource_type: str, inputs: dict[str, Any], path: str) -> None:
    assert paths(NO_PLAIN_TOKENS, resource_type, inputs) == [path]


@pytest.mark.parametrize(
    "token",
    [
        TOKEN,
        "api_org_" + "a" * 34,
        "AIza" + "b" * 35,
        "ghp_" + "c" * 36,
        "github_pat_" + "d" * 30,
        "nvapi-" + "e" * 64,
        "sk-proj-" + "f" * 40,
        "AKIA" + "G" * 16,
    ],
)
def test_tokens_are_known_by_their_form_and_not_repeated(token: str) -> None:
    reports = judge(NO_PLAIN_TOKENS, DEPLOYMENT, deployment(args=[token]))
    assert len(reports) == 1
    assert token not in reports[0]


@pytest.mark.parametrize(
    ("resource_type", "inputs"),
    [
        ("kubernetes:core/v1:Secret", {"stringData": {"HF_TOKEN": TOKEN}}),
        ("gcp:secretmanager/secretVersion:SecretVersion", {"secretData": TOKEN}),
        ("oci:Vault/secret:Secret", {"secretContent": {"content": base64.b64encode(TOKEN.encode()).decode()}}),
        # whose children are judged
        ("llm-serving:index:InferenceService", {"huggingFaceToken": TOKEN}),
        (DEPLOYMENT, deployment(env=[{"name": "HF_TOKEN", "valueFrom": {"secretKeyRef": {"name": "token"}}}])),
        (DEPLOYMENT, deployment(env=[{"name": "HF_TOKEN", "value": UNKNOWN}])),
        (DEPLOYMENT, deployment(env=[{"name": "HF_TOKEN", "value": "$(OTHER)"}])),
        (DEPLOYMENT, deployment(env=[{"name": "HF_HOME", "value": "data"}])),
        (DEPLOYMENT, deployment(env=[{"name": "API_KEY", "value": "/run/secrets/key"}])),
        (DEPLOYMENT, deployment(env=[{"name": "MAX_TOKEN", "value": "4096"}])),
        (DEPLOYMENT, deployment(args=["--api-key=$(API_KEY)", "--max-batch-total-tokens=4096", "--skip-token=true"])),
        (DEPLOYMENT, deployment(args=["--api-key", "$(API_KEY)"])),
        (DEPLOYMENT, deployment(command=["sh", "-c", 'HF_TOKEN="$(cat /run/token)" serve'])),
        (CONFIG_MAP, {"data": {"hf_transfer": "1", "start.sh": "from hf_hub import hf_download_of_a_model"}}),
        (CONFIG_MAP, {"binaryData": {"picture": base64.b64encode(bytes(range(256))).decode()}}),
        (CONFIG_MAP, {"data": UNKNOWN}),
    ],
)  # fmt: skip
def test_secrets_references_and_words_pass(resource_type: str, inputs: dict[str, Any]) -> None:
    assert judge(NO_PLAIN_TOKENS, resource_type, inputs) == []


def test_user_data_that_grows_without_end_is_not_read_to_it() -> None:
    # the token shows how far it is read
    bomb = base64.b64encode(gzip.compress(b"0 " * 2**23 + TOKEN.encode())).decode()
    assert judge(NO_PLAIN_TOKENS, OCI_INSTANCE, {"metadata": {"user_data": bomb}}) == []
