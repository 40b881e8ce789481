"""llama.cpp's server: one GGUF file, on the CPU.

Source: github.com/ggml-org/llama.cpp, tools/server/README.md and .devops/cpu.Dockerfile, 2026-11-21.
"""

from .profile import ModelServer, Serving

PORT = 8080

ALL_INTERFACES = "0.0.0.0"  # noqa: S104 of a pod, which only its Service reaches


def _arguments(serving: Serving) -> list[str]:
    arguments = ["--hf-repo", serving.model]
    if serving.model_file:
        arguments += ["--hf-file", serving.model_file]
    # it listens on loopback and keeps no metrics unless told
    return [*arguments, "--host", ALL_INTERFACES, "--port", str(PORT), "--metrics"]


SERVER = ModelServer(
    name="llama-cpp",
    title="llama.cpp",
    image="ghcr.io/ggml-org/llama.cpp:server-b11176",
    port=PORT,
    health_path="/health",
    generate_path="/completion",
    metrics_path="/metrics",
    needs_accelerator=False,
    needs_file=True,
    quantizations=frozenset(),
    token_variables=("HF_TOKEN",),
    environment=lambda _: {"LLAMA_CACHE": "/data"},
    arguments=_arguments,
    request=lambda _, prompt: {"prompt": prompt, "n_predict": 64},
    user=1000,
    read_only_root=True,
)
