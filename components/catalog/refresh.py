"""`python -m components.catalog.refresh`: what public sources say now, to compare with the catalogue.

It prints, and changes no file. Prices are those of the list that `prices.toml` was read from; its other sources, TPUs'
and those of machines without a price on demand, are compared by eye.
"""

import argparse
import datetime
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from typing import Any, cast

import yaml
from pydantic import ValidationError

from .models import Model
from .reading import load_catalog

HUGGING_FACE = "https://huggingface.co"
PRICES = "https://github.com/Cyclenerd/google-cloud-pricing-cost-calculator/raw/master/pricing.yml"
SECONDS = 60

Document = Mapping[str, Any]
"""JSON or YAML of somebody else. Any: it is checked where it is read."""


class RefreshError(Exception):
    """A source cannot be had, or does not say what is needed."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m components.catalog.refresh", description=(__doc__ or "").partition("\n")[0]
    )
    commands = parser.add_subparsers(dest="command", required=True)
    models = commands.add_parser("model", help="print the catalogue's table of models of Hugging Face")
    models.add_argument("repositories", nargs="+", metavar="OWNER/NAME")
    models.add_argument("--endpoint", default=os.environ.get("HF_ENDPOINT", HUGGING_FACE), help="default: %(default)s")
    prices = commands.add_parser("prices", help="print where prices.toml differs from the list that it was read from")
    prices.add_argument("--url", default=PRICES, help="default: %(default)s")
    chosen = parser.parse_args(arguments)
    try:
        if chosen.command == "model":
            for repository in chosen.repositories:
                sys.stdout.write(model_table(repository, chosen.endpoint) + "\n")
        else:
            sys.stdout.writelines(f"{line}\n" for line in price_differences(chosen.url))
    except RefreshError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def model_table(repository: str, endpoint: str = HUGGING_FACE) -> str:
    """Return the catalogue's table of the model in a repository, as TOML.

    Raises:
        RefreshError: the repository cannot be read, or its model is of no shape that the catalogue can describe.
    """
    about = _json(f"{endpoint}/api/models/{repository}?blobs=true")
    config = _json(f"{endpoint}/{repository}/resolve/main/config.json")
    config = {**config, **config.get("text_config", {})}
    try:
        record = {"source": f"{HUGGING_FACE}/{repository}", "date": _today(), **_model(config, about)}
        model = Model.model_validate({"name": repository, **record})
    except (KeyError, ValidationError) as unknown:
        missing = unknown.args[0] if isinstance(unknown, KeyError) else unknown.errors()[0]["loc"][0]
        raise RefreshError(f"{repository}: '{missing}' is not told, or not what the catalogue can hold.") from None
    return "\n".join([f'[models."{model.name}"]', *(f"{key} = {_toml(value)}" for key, value in record.items()), ""])


def _model(config: Document, about: Document) -> dict[str, Any]:  # Any: checked by the record's type
    hidden, heads = config["hidden_size"], config["num_attention_heads"]
    experts = _first(config, "num_local_experts", "num_experts", default=1)
    active_experts = _first(config, "num_experts_per_tok", "experts_per_token", default=1) if experts > 1 else 1
    feed_forward = (config.get("moe_intermediate_size") if experts > 1 else None) or config["intermediate_size"]
    shape = {
        "layers": config["num_hidden_layers"],
        "heads": heads,
        "kv_heads": config.get("num_key_value_heads") or heads,
        "head_dim": config.get("head_dim") or hidden // heads,
        "hidden": hidden,
        "feed_forward": feed_forward,
        **({"experts": experts, "active_experts": active_experts} if experts > 1 else {}),
        **_window(config),
        "vocabulary": config["vocab_size"],
    }
    block = shape["layers"] * 3 * hidden * feed_forward
    attention = shape["layers"] * 2 * hidden * (heads + shape["kv_heads"]) * shape["head_dim"]
    embedding = shape["vocabulary"] * hidden
    quantized = config.get("quantization_config", {}).get("quant_method")
    total = None if quantized else about.get("safetensors", {}).get("total")
    # config.json says only what differs from the default of its kind of model
    tied = config.get("tie_word_embeddings")
    if tied is None:
        tied = total is not None and total < attention + experts * block + 1.9 * embedding
    # packed weights are not counted one by one: norms and biases are left out then
    parameters = total or attention + experts * block + embedding * (1 if tied else 2)
    return {
        "parameters": parameters,
        "active_parameters": parameters - (experts - active_experts) * block,
        **shape,
        "tied_embeddings": tied,
        "context": config["max_position_embeddings"],
        "dtype": quantized or config.get("dtype") or config["torch_dtype"],
        "gated": about["gated"] is not False,
        "licence": about.get("cardData", {}).get("license") or "other",
        "weight_bytes": sum(file["size"] for file in about["siblings"] if _is_weights(file["rfilename"])),
    }


def _window(config: Document) -> dict[str, int]:
    windowed = [kind for kind in config.get("layer_types") or () if kind == "sliding_attention"]
    return {"window": config["sliding_window"], "windowed_layers": len(windowed)} if windowed else {}


def _is_weights(file: str) -> bool:
    """Tell whether a server loads that file. Some repositories hold the same weights a second time."""
    return file.endswith(".safetensors") and "/" not in file and not file.startswith("consolidated")


def price_differences(url: str = PRICES) -> Iterator[str]:
    """Yield a line for each price of the catalogue that the list gives otherwise, or no more.

    Raises:
        RefreshError: the list cannot be read.
    """
    try:
        instances = cast("Document", yaml.load(_get(url), Loader=yaml.CSafeLoader)["compute"]["instance"])
    except (yaml.YAMLError, KeyError, TypeError):
        raise RefreshError(f"{url}: this is not the list of prices that the catalogue knows.") from None
    for machine in load_catalog().machines.values():
        listed = instances.get(machine.name, {}).get("cost", {})
        if not machine.hourly_usd or "Cyclenerd" not in machine.prices.source:
            continue
        for key, prices, theirs in (
            ("hourly_usd", machine.hourly_usd, "hour"),
            ("spot_hourly_usd", machine.spot_hourly_usd, "hour_spot"),
        ):
            for region, price in prices.items():
                now = listed.get(region, {}).get(theirs)
                if now is None or round(now, 4) != price:
                    yield f"{machine.name} {region} {key}: {price} -> {'none' if now is None else round(now, 4)}"


def _first(config: Document, *keys: str, default: int) -> int:
    return next((config[key] for key in keys if config.get(key)), default)


def _json(url: str) -> Document:
    try:
        return json.loads(_get(url))
    except json.JSONDecodeError:
        raise RefreshError(f"{url}: this is not JSON.") from None


def _get(url: str) -> bytes:
    if not url.startswith(("https://", "http://127.0.0.1:")):  # the latter for a mirror, or a test, on this machine
        raise RefreshError(f"{url}: only https:// is asked.")
    token = os.environ.get("HF_TOKEN") if "/api/models/" in url or "/resolve/" in url else None
    headers = {"User-Agent": "llm-serving", **({"Authorization": f"Bearer {token}"} if token else {})}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=SECONDS) as answer:  # noqa: S310  # the scheme was checked
            return answer.read()
    except urllib.error.HTTPError as refused:
        hint = " Set HF_TOKEN to a token that may read it." if refused.code in (401, 403) else ""
        raise RefreshError(f"{url}: {refused.code} {refused.reason}.{hint}") from None
    except (urllib.error.URLError, TimeoutError) as failed:
        reason = failed.reason if isinstance(failed, urllib.error.URLError) else "no answer in time"
        raise RefreshError(f"{url}: {reason}.") from None


def _today() -> datetime.date:
    return datetime.datetime.now(datetime.UTC).date()


def _toml(value: Any) -> str:  # Any: a value of a record
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return f"{value:_}" if value >= 10_000 else str(value)
    return value.isoformat() if isinstance(value, datetime.date) else json.dumps(value)


if __name__ == "__main__":
    sys.exit(main())
