"""What is found wrong with the flags of vLLM, with its adapters and with the folder that it serves."""

from typing import Any

import pytest

from components.inference.inference_checks import check_inference_service
from tests.components.guide import CPU_SERVICE, GONE, service_args
from tests.components.inference.vllm_guide import ADAPTERS, BASE, DEMONSTRATION, FOLDER, STANDARD, TUNED, findings, said

SUMMARIZER = "vllm.adapters.summarizer"
TURNS = {"strategy": "time-sharing", "clients": 2}
T4 = {**STANDARD, "accelerator": "nvidia-tesla-t4", "quantization": "awq"}
PUBLISHED = {"model": BASE, "baseModel": GONE}


def adapters(**adapter: Any) -> dict[str, Any]:
    """The published model with one adapter."""
    return {**PUBLISHED, "vllm": {"adapters": {"summarizer": adapter}}}


@pytest.mark.parametrize(
    ("changes", "code", "path", "remedy"),
    [
        (
            {"vllm": {"dtype": "bf16"}},
            "dtype-unknown",
            "vllm.dtype",
            "Known: auto, half, float16, bfloat16, float, float32.",
        ),
        # published in bfloat16, which a T4 cannot compute in
        (T4, "dtype-unsupported", "vllm.dtype", "Set dtype to half."),
        ({**T4, "vllm": {"dtype": "auto"}}, "dtype-unsupported", "vllm.dtype", "Set dtype to half."),
        ({**T4, "vllm": {"dtype": "bfloat16"}}, "dtype-unsupported", "vllm.dtype", "Set dtype to half."),
        (
            {"vllm": {"maxModelLength": 32769}},
            "context-too-long",
            "vllm.maxModelLength",
            "Set at most 32768.",
        ),
        (
            {**STANDARD, "sharing": TURNS, "quantization": "awq", "vllm": {"gpuMemoryFraction": 0.501}},
            "gpu-memory-fraction",
            "vllm.gpuMemoryFraction",
            "Set at most 0.500, or leave it out.",
        ),
        (
            {"vllm": {"gpuMemoryFraction": 0.5}},
            "model-too-large",
            "vllm.gpuMemoryFraction",
            "Set more, or leave it out.",
        ),
        (adapters(), "adapter-place", SUMMARIZER, "Set one of the two."),
        (
            {**ADAPTERS, f"{SUMMARIZER}.repository": "someone/other"},
            "adapter-place",
            SUMMARIZER,
            "Set one of the two.",
        ),
        (
            adapters(repository="other"),
            "model-invalid",
            f"{SUMMARIZER}.repository",
            "Set OWNER/NAME, or folder.",
        ),
        (
            {**PUBLISHED, "vllm": {"adapters": {"a=b": {"repository": "someone/other"}}}},
            "adapter-name",
            "vllm.adapters.a=b",
            "Use letters, digits, hyphens, underscores and dots, a letter or digit first.",
        ),
        *(
            (
                {**ADAPTERS, f"{SUMMARIZER}.folder": folder},
                "storage-folder",
                f"{SUMMARIZER}.folder",
                "Write it as adapters/mistral-7b, without slash first.",
            )
            # with an equals sign vLLM takes the rest for something else
            for folder in ("/adapters", "adapters/", "../adapters", "a b", "day=1/adapter")
        ),
        (
            {**ADAPTERS, f"{SUMMARIZER}.baseModel": "meta-llama/Llama-3.2-3B-Instruct"},
            "adapter-base-model",
            f"{SUMMARIZER}.baseModel",
            "Set model to meta-llama/Llama-3.2-3B-Instruct, or remove the adapter.",
        ),
        (
            adapters(repository="someone/other", rank=513),
            "adapter-rank",
            f"{SUMMARIZER}.rank",
            "Train with a smaller rank, or serve merged weights.",
        ),
        (
            {**ADAPTERS, "vllm.adapters.other.rank": 1024},
            "adapter-rank",
            "vllm.adapters.other.rank",
            "Train with a smaller rank, or serve merged weights.",
        ),
        (adapters(folder="adapters/a"), "adapters-bucket", "vllm.adaptersBucket", "Set the name of the bucket."),
        (
            {"vllm": {"adaptersBucket": "tuned"}},
            "adapters-bucket",
            "vllm.adaptersBucket",
            "Remove it, or set an adapter's folder.",
        ),
        (
            {**ADAPTERS, **DEMONSTRATION},
            "adapters-unserved",
            "vllm.adapters",
            "Set server to vllm.",
        ),
        # of seeds/001's family, in 16 bits on one L4
        (
            {
                "accelerator": "nvidia-l4",
                "model": "mistralai/Mixtral-8x7B-v0.1",
                "baseModel": GONE,
                "storage.size": "150Gi",
            },
            "model-too-large",
            "accelerators",
            None,
        ),
        ({"baseModel": "mistralai/Mistral-8B"}, "base-model-unknown", "baseModel", None),
        # folders
        (
            {"storage": {"kind": "bucket", "bucket": "weights"}},
            "storage-folder",
            "storage.folder",
            "Set it, or set kind to empty-dir, host-path or ephemeral-volume.",
        ),
        (
            {"storage": {"kind": "claim", "claim": "weights"}},
            "storage-folder",
            "storage.folder",
            "Set it, or set kind to empty-dir, host-path or ephemeral-volume.",
        ),
        ({"storage.folder": "models"}, "storage-folder", "storage.folder", "Remove folder."),
        *(
            (
                {**FOLDER, "storage.folder": folder},
                "storage-folder",
                "storage.folder",
                "Write it as models/mistral, without slash first.",
            )
            for folder in ("/models", "models/", "", "models//mistral", "models/$(x)", "-models")
        ),
        # what the guide asks for: weights of 14.5 GB
        ({"storage.size": "13Gi"}, "storage-too-small", "storage.size", "Set a larger size."),
    ],
)
def test_refused(changes: dict[str, Any], code: str, path: str, remedy: str | None) -> None:
    (only,) = findings(changes)
    assert (only.severity, only.code, only.path) == ("error", code, path)
    assert remedy in (None, only.remedy)


@pytest.mark.parametrize(
    "changes",
    [
        {"vllm": {}},
        {"vllm": {"dtype": "bfloat16"}},
        {**T4, "vllm": {"dtype": "half"}},
        {"vllm": {"maxModelLength": 32768, "maxSequences": 1}},
        {
            **STANDARD,
            "sharing": TURNS,
            "quantization": "awq",
            "vllm": {"gpuMemoryFraction": 0.5, "maxModelLength": 512},
        },
        # of the part of a GPU that MPS gives, which is all that a container sees
        {
            **STANDARD,
            "sharing": {"strategy": "mps", "clients": 2},
            "quantization": "awq",
            "vllm": {"gpuMemoryFraction": 0.95},
        },
        ADAPTERS,
        {**ADAPTERS, **FOLDER},
        # trained on what the served model was made from
        {"vllm": {"adapters": {"a.b-c_1": {"repository": "someone/other", "baseModel": BASE}}}},
        {"vllm": {"adapters": {"a": {"repository": "someone/other", "baseModel": TUNED}}}},
        adapters(repository="someone/other", rank=512),
        FOLDER,
        {"storage": {"kind": "claim", "claim": "weights", "folder": "day=1/mistral"}},
        DEMONSTRATION,
        {**DEMONSTRATION, **FOLDER},
        {"storage.size": "13825Mi"},
    ],
)
def test_not_refused(changes: dict[str, Any]) -> None:
    assert findings(changes) == []


def test_a_gated_model_needs_a_token_only_where_it_is_downloaded() -> None:
    gated = {**PUBLISHED, "token": GONE}
    assert [(finding.code, finding.path) for finding in findings(gated)] == [("token-missing", "token")]
    assert findings({**gated, **FOLDER}) == []


def test_a_model_that_nobody_described_is_told_and_served() -> None:
    (only,) = findings({"baseModel": GONE})
    assert (only.severity, only.code, only.path) == ("warning", "model-unknown", "model")


def test_one_request_must_fit_the_cache() -> None:
    # by hand, of a third of an A100 with 40 GB: 0.9 * 19.62 - 0.35 GiB less 14,496,047,104 bytes, 128 KiB a token
    room = int(((0.9 * 19.62 - 0.35) * 2**30 - 14_496_047_104) / (128 * 1024))
    third = {**STANDARD, "accelerator": "nvidia-tesla-a100", "partition": "3g.20gb"}
    assert said(findings(third)) == [
        (
            "error",
            "cache-too-small",
            "vllm.maxModelLength",
            f"Set at most {room}, or more or larger accelerators.",
        )
    ]
    assert findings({**third, "vllm": {"maxModelLength": room}}) == []
    assert [finding.code for finding in findings({**third, "vllm": {"maxModelLength": room + 1}})] == [
        "cache-too-small"
    ]


def test_the_memory_that_it_may_take_bounds_the_cache() -> None:
    # by hand, of an L4: less is taken than by default, and so is more
    def room(fraction: float) -> int:
        return int(((fraction * 22.03 - 0.35) * 2**30 - 14_496_047_104) / (128 * 1024))

    for fraction in (0.7, 0.95):
        length = min(room(fraction), 32768)
        flags = {"gpuMemoryFraction": fraction, "maxModelLength": length}
        assert findings({"vllm": flags}) == []
    (only,) = findings({"vllm": {"gpuMemoryFraction": 0.7}})
    assert (only.code, only.remedy) == (
        "cache-too-small",
        f"Set at most {room(0.7)}, or more or larger accelerators.",
    )


@pytest.mark.parametrize("server", ["llama-cpp", "tgi", "vllm-tpu"])
def test_other_servers_have_no_such_flags(server: str) -> None:
    found = check_inference_service("llm", service_args(CPU_SERVICE, server=server, vllm={}))
    assert [(finding.path, finding.remedy) for finding in found if finding.code == "vllm-unused"] == [
        ("vllm", "Remove vllm, or set server to vllm.")
    ]


def test_other_servers_read_no_folder() -> None:
    storage = {"kind": "bucket", "bucket": "weights", "folder": "models"}
    found = check_inference_service("llm", service_args(storage=storage))
    # of one mistake, one finding: TGI downloads
    assert [(finding.code, finding.path) for finding in found] == [("storage-kind", "storage.kind")]
    emptied = check_inference_service("llm", service_args(storage__folder="models"))
    assert [(finding.code, finding.path) for finding in emptied] == [("storage-folder", "storage.folder")]


def test_a_bucket_of_adapters_that_no_cloud_takes() -> None:
    (finding,) = findings({**ADAPTERS, "vllm.adaptersBucket": "tuned; touch x"})
    assert (finding.code, finding.path) == ("text-invalid", "vllm.adaptersBucket")
