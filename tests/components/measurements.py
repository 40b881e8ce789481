"""Published measurements that sizing is compared with, each with where it is from."""

from dataclasses import dataclass

A100, H100, V5E = "nvidia-a100-80gb", "nvidia-h100-80gb", "tpu-v5-lite-podslice"
LLAMA_2_7B, LLAMA_2_13B, LLAMA_2_70B = (f"meta-llama/Llama-2-{size}-hf" for size in ("7b", "13b", "70b"))
LLAMA_3_8B, LLAMA_31_8B = "meta-llama/Meta-Llama-3-8B", "meta-llama/Llama-3.1-8B"
LLAMA_31_70B, LLAMA_31_405B = (f"meta-llama/Llama-3.1-{size}-Instruct" for size in ("70B", "405B"))
MIXTRAL = "mistralai/Mixtral-8x7B-v0.1"

VLLM = "https://github.com/vllm-project/vllm"
GPT_FAST = "https://github.com/pytorch-labs/gpt-fast, README.md"
GPT_FAST_MIXTRAL = "https://github.com/pytorch-labs/gpt-fast, mixtral-moe/README.md"
JETSTREAM = "https://github.com/AI-Hypercomputer/jetstream-pytorch, benchmarks/summary.md"


@dataclass(frozen=True)
class Rate:
    """Tokens per second that were measured."""

    source: str
    model: str
    quantization: str | None
    accelerator: str
    count: int
    tokens_per_second: float
    batch: int = 1
    cached_tokens: int = 0
    cache_bits: int = 16


def _gpt_fast(model: str, rates: dict[int, float], quantization: str | None = None) -> list[Rate]:
    source = GPT_FAST_MIXTRAL if model == MIXTRAL else GPT_FAST
    return [Rate(source, model, quantization, A100, count, rate) for count, rate in rates.items()]


RATES = [
    *_gpt_fast(LLAMA_2_7B, {1: 104.9, 2: 168.84, 4: 254.02, 8: 328.43}),
    *_gpt_fast(LLAMA_2_7B, {1: 155.58}, "int8"),
    *_gpt_fast(LLAMA_2_70B, {2: 21.32, 4: 38.01, 8: 62.5}),
    *_gpt_fast(LLAMA_2_70B, {1: 19.13, 8: 80.44}, "int8"),
    *_gpt_fast(LLAMA_31_8B, {1: 93.89, 2: 149.1, 4: 217.21, 8: 276.01}),
    *_gpt_fast(LLAMA_31_8B, {1: 137.64}, "int8"),
    *_gpt_fast(LLAMA_31_70B, {4: 37.45, 8: 58.78}),
    *_gpt_fast(LLAMA_31_405B, {8: 15.6}, "int8"),
    *_gpt_fast(MIXTRAL, {2: 96.67, 4: 155.35, 8: 227.82}),
    *_gpt_fast(MIXTRAL, {1: 97.92, 2: 155.03, 4: 216.87, 8: 279.35}, "int8"),
    # its cache is as long as it is told for each request, and each step reads all of it
    Rate(JETSTREAM, LLAMA_2_7B, None, V5E, 8, 3663, batch=96, cached_tokens=2048),
    Rate(JETSTREAM, LLAMA_2_7B, "int8_per_channel", V5E, 8, 4783, batch=96, cached_tokens=2048, cache_bits=8),
    Rate(JETSTREAM, LLAMA_2_13B, None, V5E, 8, 2056, batch=48, cached_tokens=2048),
    Rate(JETSTREAM, LLAMA_3_8B, None, V5E, 8, 8249, batch=128, cached_tokens=2048),
]
"""gpt-fast answers one request with a short prompt, on A100s that are limited to 330 W; JetStream's figures count the
time of the prompts too."""


@dataclass(frozen=True)
class Room:
    """What vLLM had left for its cache on each GPU, by its own log."""

    source: str
    model: str
    quantization: str | None
    accelerator: str
    count: int
    cache_gib: float
    memory_fraction: float = 0.9


def _blocks(count: int, kib_per_token: float) -> float:
    """Return GiB of that many blocks, of 16 tokens each."""
    return count * 16 * kib_per_token / 1024**2


ROOM = [
    Room(f"{VLLM}/pull/2031", LLAMA_2_7B, None, A100, 1, _blocks(7351, 512)),
    Room(f"{VLLM}/pull/10511", LLAMA_3_8B, None, H100, 1, 53.29),
    Room("https://myoceane.fr/index.php/ai-vllm-a100-gemma-4/", "openai/gpt-oss-20b", None, A100, 1, 36.56, 0.65),
    # in a checkpoint of 8 bits a weight
    Room(f"{VLLM}/pull/12569", LLAMA_31_70B, "fp8", H100, 1, _blocks(1381, 320), 0.98),
]


@dataclass(frozen=True)
class Weights:
    """What the weights took on each GPU, by vLLM's log."""

    source: str
    model: str
    quantization: str | None
    count: int
    gib: float


WEIGHTS = [
    Weights(f"{VLLM}/pull/10511", LLAMA_3_8B, None, 1, 14.96),
    Weights(f"{VLLM}/pull/10511", LLAMA_3_8B, None, 2, 7.48),
    Weights(f"{VLLM}/pull/12569", LLAMA_31_70B, "fp8", 1, 67.7229),
    Weights(f"{VLLM}/issues/15815", "Qwen/Qwen2.5-32B-Instruct", None, 2, 30.71),
    # its kernels for MXFP4 pad the experts
    Weights("https://myoceane.fr/index.php/ai-vllm-a100-gemma-4/", "openai/gpt-oss-20b", None, 1, 13.72),
]
