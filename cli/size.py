"""`llm-serving size`: which machines can serve a model, and what they cost."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from components.catalog import Catalog
    from components.offers import Offer

DEFAULT_LENGTH = 4096


def size(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Repository on Hugging Face.")],
    *,
    length: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help=f"Tokens of a request, prompt and answer. Default: {DEFAULT_LENGTH}, or what the model was made for.",
        ),
    ] = None,
    batch: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Requests to decode together. Default: as many as there is room for, up to 256."
        ),
    ] = None,
    region: Annotated[
        str | None, typer.Option(metavar="REGION", help="Region of either cloud. Default: where each costs least.")
    ] = None,
    spot: Annotated[bool, typer.Option("--spot", help="Spot prices.")] = False,
    quantization: Annotated[
        str | None, typer.Option(metavar="NAME", help="How weights are kept, such as fp8. Default: as published.")
    ] = None,
    fp8_cache: Annotated[bool, typer.Option("--fp8-cache", help="Keep keys and values in 8 bits.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the machines that can serve a model, the cheapest first, with bounds on speed and price per token.

    From the catalogue alone: needs no account and no network. The bounds follow from memory bandwidth and peak rates;
    those measured reached 22 to 72 % of them (docs/sizing.md). Exit codes: **0** machines were found, **1** none fits,
    **2** the command line or the catalogue was refused.
    """
    # here, because they take seconds, which the other commands' help need not wait for
    from components.catalog import CatalogError, load_catalog
    from components.offers import NoOffersError, offers

    try:
        catalog = load_catalog()
        known = catalog.models.get(model)
        tokens = length or min(DEFAULT_LENGTH, known.context if known else DEFAULT_LENGTH)
        found = offers(
            model,
            length=tokens,
            batch=batch,
            quantization=quantization,
            cache_bits=8 if fp8_cache else 16,
            region=region,
            spot=spot,
        )
    except (NoOffersError, CatalogError) as refused:
        Console(stderr=True, style="red").print(str(refused), markup=False)
        raise typer.Exit(2) from None
    console = Console(highlight=False)
    if as_json:
        print(json.dumps(_document(model, tokens, found, catalog), indent=2))
    elif not found:
        console.print(_nothing(model, tokens, batch, region, spot=spot), markup=False)
    else:
        console.print(_table(model, tokens, found, catalog, spot=spot))
        for line in _notes(model, catalog):
            console.print(line, markup=False)
    raise typer.Exit(0 if found else 1)


def _document(model: str, tokens: int, found: "list[Offer]", catalog: "Catalog") -> dict[str, Any]:
    """Return what `--json` prints. Any: JSON."""
    from components.sizing import load_seconds

    return {
        "model": model,
        "length": tokens,
        "startupSeconds": round(load_seconds(model) or 0),
        "added": list(catalog.added),
        "overridden": list(catalog.overridden),
        "offers": [
            {
                "machine": offer.host.name,
                "cloud": offer.host.cloud,
                "region": offer.host.region,
                "accelerator": offer.host.accelerator,
                "accelerators": offer.host.accelerators,
                "shards": offer.layout.shards,
                "replicas": offer.layout.replicas,
                "batch": offer.layout.batch,
                "mostRequests": offer.layout.most_requests,
                "hourlyUsd": offer.host.hourly_usd,
                "leastMillisecondsPerToken": round(1000 * offer.layout.step_seconds, 3),
                "mostTokensPerSecond": round(offer.layout.tokens_per_second, 1),
                "leastUsdPerMillionTokens": round(offer.usd_per_million_tokens, 4),
            }
            for offer in found
        ],
    }


def _table(model: str, tokens: int, found: "list[Offer]", catalog: "Catalog", *, spot: bool) -> Table:
    price = "$/h spot" if spot else "$/h"
    table = Table(title=f"{model}, requests of {tokens} tokens", title_justify="left", box=None, pad_edge=False)
    table.add_column("machine", no_wrap=True)
    table.add_column("accelerators")
    table.add_column("pods", justify="right")
    table.add_column("requests", justify="right")
    table.add_column(price, justify="right")
    table.add_column("region")
    table.add_column("ms/token >=", justify="right")
    table.add_column("$/M tokens >=", justify="right")
    for offer in found:
        layout, title = offer.layout, catalog.accelerators[offer.host.accelerator].title
        table.add_row(
            offer.host.name,
            f"{offer.host.accelerators} x {title}",
            f"{layout.replicas} x {layout.shards}",
            f"{layout.replicas * layout.batch}",
            f"{offer.host.hourly_usd:.2f}",
            offer.host.region or "any",
            f"{1000 * layout.step_seconds:.1f}",
            f"{offer.usd_per_million_tokens:.2f}",
        )
    return table


def _notes(model: str, catalog: "Catalog") -> list[str]:
    from components.sizing import load_seconds

    dates = sorted({machine.prices.date for machine in catalog.machines.values()})
    notes = [
        "pods: how many, times the accelerators of each; requests: that all of them decode together.",
        ">=: bounds, which no server reaches; those measured took 1.4 to 4.5 times as long.",
        f"Prices as of {dates[0]} to {dates[-1]}, machines only. How it is worked out: docs/sizing.md.",
    ]
    if seconds := load_seconds(model):
        notes.append(f"A pod may take {seconds / 60:.0f} minutes to download and load it before it is restarted.")
    if catalog.added or catalog.overridden:
        changes = [f"adds {entry}" for entry in catalog.added] + [f"overrides {entry}" for entry in catalog.overridden]
        notes.append(f"llm-serving-catalog.toml {', '.join(changes)}.")
    return notes


def _nothing(model: str, tokens: int, batch: int | None, region: str | None, *, spot: bool) -> str:
    wanted = f"{batch or 1} request{'s' if (batch or 1) > 1 else ''} of {tokens} tokens"
    place = f" in {region}" if region else ""
    price = "a spot price" if spot else "a price on demand"
    return (
        f"No machine of the catalogue with {price}{place} holds '{model}' and {wanted}."
        " Try --quantization, a shorter --length or another --region."
    )
