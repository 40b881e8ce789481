"""What can be known to be wrong with the accelerators of an InferenceService before it is asked for."""

from ..catalog import Accelerator, load_catalog
from ..findings import Finding, error
from ..gke.gpu_sharing import check_gpu_sharing, check_shared_request, memory_share
from ..gke.tpu_checks import check_slots, check_topology
from ..servers import ModelServer
from ..sizing import can_split, fit, smallest_count
from .derived import known_model, server_of, serving_of
from .inference_service_args import InferenceServiceArgs, Server


def units_of(server: ModelServer) -> str:
    """Return what the accelerators of `server` are called."""
    return "TPU chips" if server.accelerator_kind == "tpu" else "GPUs"


def check_accelerators(args: InferenceServiceArgs) -> list[Finding]:
    """Return what is wrong with the accelerators of a service, and whether the model fits them, by path in `args`."""
    catalog, server = load_catalog(), server_of(args)
    units = units_of(server)
    if not args.accelerators:
        without = ("accelerator", "shards", "topology", "sharing", "partition")
        unneeded = [field for field in without if getattr(args, field)]
        if server.needs_accelerator:
            return [
                error("accelerators-missing", "accelerators", f"{server.title} runs on {units} only.", "Set how many.")
            ]
        return [
            error("accelerators-missing", field, f"{field} has no meaning without accelerators.", f"Remove {field}.")
            for field in unneeded
        ]
    on_gke = {name: accelerator for name, accelerator in catalog.accelerators.items() if accelerator.quota}
    known = [name for name, accelerator in on_gke.items() if accelerator.kind == server.accelerator_kind]
    if not args.accelerator:
        return [
            error(
                "accelerator-missing",
                "accelerator",
                f"pods would start on any {units}.",
                f"Name one of {', '.join(known)}.",
            )
        ]
    accelerator = on_gke.get(args.accelerator)
    if accelerator is None:
        return [
            error(
                "accelerator-unknown",
                "accelerator",
                f"GKE has no {units} called '{args.accelerator}'.",
                f"Known ones: {', '.join(known)}.",
            )
        ]
    if accelerator.name not in known:
        return [
            error(
                "accelerator-kind",
                "accelerator",
                f"{server.title} runs on {units}, and {accelerator.title} is none.",
                f"Set one of {', '.join(known)}, or another server.",
            )
        ]
    if findings := [*check_topology(args, accelerator), *_check_sharing(args, accelerator)]:
        return findings
    shards = serving_of(args).shards
    if shards != args.accelerators:
        return [
            error(
                "shards-not-accelerators",
                "shards",
                f"{shards} shards on {args.accelerators} {units}: each shard needs one of its own, more lie idle.",
                f"Set shards to {args.accelerators}, or leave it out.",
            )
        ]
    model = known_model(args)
    if model is None or args.quantization not in (None, *catalog.quantizations):
        return []
    if args.server is Server.JETSTREAM:
        return check_slots(args, accelerator, args.jetstream) if args.jetstream else []
    if not can_split(model, shards):
        return [
            error(
                "shards-not-heads",
                "accelerators",
                f"the {model.heads} attention heads and {model.kv_heads} key-value heads of '{args.model}' cannot be"
                f" split evenly over {shards} {units}.",
                "Set a number that divides both.",
            )
        ]
    share = memory_share(args.sharing, args.partition, accelerator)
    fitting = fit(model.name, args.quantization, accelerator.name, shards, share=share)
    if fitting.fits:
        return []
    enough = smallest_count(model.name, args.quantization, accelerator.name) if share == 1 else None
    part = "" if share == 1 else f"{share:.0%} of "
    return [
        error(
            "model-too-large",
            "accelerators",
            f"'{args.model}' {'as published' if args.quantization is None else 'in ' + args.quantization} takes"
            f" {fitting.weights_gib_per_accelerator:.1f} GiB on each of {shards} {part}{accelerator.title}, and besides"
            f" the runtime there are {fitting.usable_gib:.1f} GiB.",
            f"Set at least {enough} accelerators."
            if enough
            else "Choose a larger accelerator or a smaller quantization."
            if share == 1
            else "Share a GPU among fewer, cut it into larger partitions, or choose a larger accelerator.",
        )
    ]


def _check_sharing(args: InferenceServiceArgs, accelerator: Accelerator) -> list[Finding]:
    return [
        *check_gpu_sharing(args.sharing, args.partition, accelerator),
        *check_shared_request(args.accelerators or 0, args.sharing, args.partition),
    ]
