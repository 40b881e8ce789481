"""What can be known to be wrong with an InferenceService on TPUs before it is asked for."""

from ..catalog import Accelerator, chips_of, load_catalog
from ..findings import Finding, error, warning
from ..inference.inference_service_args import InferenceServiceArgs, JetStreamArgs, Server
from ..sizing import can_split_cache, fit_slots, largest_batch
from ..storage.checkpoints import jetstream_models


def check_topology(args: InferenceServiceArgs, accelerator: Accelerator) -> list[Finding]:
    """Return what is wrong with the topology of a service on `accelerator`, by path within `args`."""
    if accelerator.kind == "gpu":
        if args.topology is None:
            return []
        return [error("topology-unused", "topology", "only TPU slices have a topology.", "Remove topology.")]
    catalog = load_catalog()
    machines = [machine for machine in catalog.machines.values() if machine.accelerator == accelerator.name]
    shapes = {
        shape: chips_of(shape)
        for machine in machines
        for shape in catalog.topologies[machine.name].shapes
        # a pod is on one node, so its slice is, too
        if chips_of(shape) == machine.accelerator_count
    }
    known = ", ".join(f"{shape} of {chips} chips" for shape, chips in shapes.items())
    if args.topology is None:
        message = "without it, pods would start on slices of any size."
        return [error("topology-missing", "topology", message, f"Known ones on one node: {known}.")]
    if args.topology not in shapes:
        message = f"no single node has a slice of {accelerator.title} of topology '{args.topology}'."
        return [error("topology-unknown", "topology", message, f"Known ones on one node: {known}.")]
    if args.accelerators != shapes[args.topology]:
        message = (
            f"a slice of topology {args.topology} has {shapes[args.topology]} chips, all of which one pod takes,"
            f" not {args.accelerators}."
        )
        return [error("topology-accelerators", "accelerators", message, f"Set {shapes[args.topology]}.")]
    return []


def check_jetstream(args: InferenceServiceArgs) -> list[Finding]:
    """Return what is wrong with JetStream's own settings of a service, by path within `args`."""
    flags = args.jetstream
    if args.server is not Server.JETSTREAM:
        if flags is None:
            return []
        return [error("jetstream-unused", "jetstream", "only JetStream reads its flags.", "Remove jetstream.")]
    findings: list[Finding] = []
    if args.model not in jetstream_models():
        findings.append(
            error(
                "jetstream-model-unknown",
                "model",
                f"'{args.model}' is none of the models that JetStream's converter and server know.",
                f"Known ones: {', '.join(jetstream_models())}. vllm-tpu serves others.",
            )
        )
    if flags is None:
        findings.append(
            error(
                "jetstream-missing",
                "jetstream",
                "JetStream must be told how large its batch and its cache are.",
                "Set batchSize and maxCacheLength, for example to 80 and 2048.",
            )
        )
    elif flags.quantize_kv_cache and not flags.quantize_weights:
        findings.append(
            warning(
                "jetstream-cache-not-quantized",
                "jetstream.quantizeKvCache",
                "JetStream ignores it without quantizeWeights, and keeps the cache in 16 bits.",
                "Set quantizeWeights too, which needs a checkpoint that is quantized, or remove it.",
            )
        )
    return findings


def check_slots(args: InferenceServiceArgs, accelerator: Accelerator, flags: JetStreamArgs) -> list[Finding]:
    """Return why weights and cache of JetStream do not fit the pod's chips, by path within `args`.

    Raises:
        KeyError: a model that the catalogue does not know.
    """
    chips = args.accelerators or 0
    model = load_catalog().models[args.model]
    if not can_split_cache(model, chips):
        return [
            error(
                "shards-not-heads",
                "accelerators",
                f"the {model.kv_heads} key-value heads of '{args.model}' cannot be split evenly over {chips} chips.",
                "Set a number that divides them.",
            )
        ]
    weights, cache = flags.quantize_weights is True, flags.quantize_kv_cache is True
    fitting = fit_slots(
        args.model,
        accelerator.name,
        chips,
        flags.batch_size,
        flags.max_cache_length,
        quantize_weights=weights,
        quantize_kv_cache=cache,
    )
    if fitting.fits:
        return []
    most = largest_batch(
        args.model,
        accelerator.name,
        chips,
        flags.max_cache_length,
        quantize_weights=weights,
        quantize_kv_cache=cache,
    )
    return [
        error(
            "cache-too-large",
            "jetstream.batchSize",
            f"a batch of {flags.batch_size} with {flags.max_cache_length} tokens each takes"
            f" {fitting.cache_gib_per_chip:.1f} GiB of cache on each of {chips} chips, besides"
            f" {fitting.weights_gib_per_chip:.1f} GiB of weights, and {accelerator.title} leaves"
            f" {fitting.usable_gib:.1f} GiB.",
            f"Set batchSize to at most {most}, or a smaller maxCacheLength."
            if most
            else "Set a smaller maxCacheLength, quantizeWeights or more chips.",
        )
    ]
