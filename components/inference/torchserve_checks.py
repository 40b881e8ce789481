"""What can be known to be wrong with TorchServe and gpt-fast before they are started."""

from ..catalog import Model, load_catalog
from ..findings import Finding, error
from ..jobs.gpt_fast import DEFAULT_LENGTH, gpt_fast_models
from ..quantities import quantity
from ..servers.torchserve import uses_keys
from ..sizing import can_split, fit
from .derived import known_model, most_replicas, server_of, serving_of
from .inference_service_args import InferenceServiceArgs, Server, TorchServeArgs

OWN_FLAGS = {
    "--disable-token-auth": "torchserve.tokenAuthorization",
    "--dt": "torchserve.tokenAuthorization",
    "--enable-model-api": None,
    "--ts-config": None,
    "--model-store": None,
    "--models": None,
}
"""Flags that would undo the profile, and the setting to use instead. Source: ts/arg_parser.py, v0.12.0."""


def check_torchserve(args: InferenceServiceArgs) -> list[Finding]:
    """Return what is wrong with the settings of TorchServe, by path within `args`."""
    if args.server is not Server.TORCHSERVE:
        if args.torchserve is None:
            return []
        title = server_of(args).title
        remedy = "Remove torchserve, or set server to torchserve."
        return [error("torchserve-unused", "torchserve", f"{title} has no settings of TorchServe.", remedy)]
    flags = args.torchserve or TorchServeArgs()
    return [*_check_model(args, flags), *_check_keys(args, flags), *_check_flags(args), *_check_cache(flags)]


def _check_model(args: InferenceServiceArgs, flags: TorchServeArgs) -> list[Finding]:
    model = known_model(args)
    if model is None or not model.gpt_fast or args.base_model is not None:
        path = "model" if args.base_model is None else "baseModel"
        message = f"gpt-fast knows a model by its name, and has no mixture of experts '{args.model}'."
        return [error("gpt-fast-model", path, message, f"Set model to {' or '.join(gpt_fast_models())}, no baseModel.")]
    shards = serving_of(args).shards
    if shards > model.kv_heads and can_split(model, shards):  # what cannot be split at all is said elsewhere
        message = f"gpt-fast copies no heads, so that {model.kv_heads} key-value heads make at most as many parts."
        return [error("tensor-parallel-heads", "accelerators", message, f"Set at most {model.kv_heads}.")]
    return _check_length(args, flags, model)


def _check_length(args: InferenceServiceArgs, flags: TorchServeArgs, model: Model) -> list[Finding]:
    length, path = flags.max_sequence_length or DEFAULT_LENGTH, "torchserve.maxSequenceLength"
    if length > model.context:
        message = f"'{args.model}' was made for {model.context} tokens."
        return [error("sequence-too-long", path, message, f"Set at most {model.context}.")]
    accelerators = load_catalog().accelerators
    known = args.quantization in (None, *server_of(args).quantizations)
    if args.accelerator is None or args.accelerator not in accelerators or not known:
        return []  # said by the service's own checks
    room = fit(model.name, args.quantization, args.accelerator, serving_of(args).shards or 1)
    if room.fits and length > room.kv_tokens:
        message = f"the GPUs have room for a cache of {room.kv_tokens} tokens beside the weights."
        return [error("sequence-too-long", path, message, f"Set at most {room.kv_tokens}.")]
    return []


def _check_keys(args: InferenceServiceArgs, flags: TorchServeArgs) -> list[Finding]:
    path, most = "torchserve.tokenAuthorization", most_replicas(args)
    if not uses_keys(flags) and flags.key_days is not None:
        return [error("keys-unused", "torchserve.keyDays", "there are no keys.", f"Remove it, or {path}.")]
    if uses_keys(flags) and most > 1:
        return [
            error(
                "keys-differ",
                path,
                f"each of up to {most} pods makes a key of its own, and a request reaches any of them.",
                "Set one pod, or false where whoever reaches the Service may use it.",
            )
        ]
    return []


def _check_flags(args: InferenceServiceArgs) -> list[Finding]:
    findings: list[Finding] = []
    for index, argument in enumerate(args.arguments or []):
        flag = argument.partition("=")[0]
        if flag in OWN_FLAGS:
            instead = OWN_FLAGS[flag]
            remedy = f"Remove it; {instead} is the setting for it." if instead else "Remove it."
            findings.append(
                error("torchserve-flag", f"arguments[{index}]", f"{flag} would undo what the profile sets.", remedy)
            )
    if "TS_CONFIG_FILE" in (args.environment or {}):
        message = "TorchServe would read its configuration from elsewhere, keys and addresses included."
        findings.append(error("torchserve-flag", "environment.TS_CONFIG_FILE", message, "Remove it."))
    return findings


def _check_cache(flags: TorchServeArgs) -> list[Finding]:
    path, text = "torchserve.compileCacheSize", flags.compile_cache_size
    if text is None:
        return []
    try:
        size = quantity(text)
    except ValueError as invalid:
        return [error("quantity-invalid", path, f"{invalid}.", "Set one, for example 10Gi.")]
    return [] if size >= 1 else [error("quantity-invalid", path, f"'{text}' is nothing.", "Set 10Gi, for example.")]
