"""Prepares a mixture of experts for TorchServe with gpt-fast: download, convert, quantize, archive.

    python prepare.py SETTINGS.json

Runs by itself in TorchServe's own image, whose Python is 3.9. A product is whole when a marker beside it in the store
says so; what is whole is not made again, and what was cut off is. A lost machine costs the step that it was in.

Source: examples/large_models/gpt_fast_mixtral_moe of github.com/pytorch/serve, and mixtral-moe of
github.com/pytorch-labs/gpt-fast, 2026-11-21.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

HANDLER = "warm_handler.py"
"""Beside this file."""

WEIGHTS, TOKENIZER = "consolidated.*.pt", "tokenizer.model"
"""What the conversion reads of the repository."""

LISTING, CONVERTED, QUANTIZED = "weights.json", "model.pth", "model_int8.pth"
"""What to download, and what gpt-fast calls the checkpoints."""

log = logging.getLogger("prepare")


class Products:
    """Files that are made once: in the folder `store`, which stays, with a copy in `scratch`, which is fast."""

    def __init__(self, store: Path, scratch: Path) -> None:
        """`scratch` is emptied whenever a machine is lost."""
        self.store, self.scratch = store, scratch
        store.mkdir(parents=True, exist_ok=True)
        scratch.mkdir(parents=True, exist_ok=True)

    def whole(self, name: str) -> bool:
        """Return whether the product is in the store, all of it."""
        size = self._size(name)
        file = self.store / name
        return size is not None and file.is_file() and file.stat().st_size == size

    def local(self, name: str) -> Path:
        """Return the copy of a whole product in `scratch`, made if it is not there."""
        copy = self.scratch / name
        if not copy.is_file() or copy.stat().st_size != self._size(name):
            log.info("reading %s", name)
            shutil.copyfile(self.store / name, copy)
        return copy

    def keep(self, name: str) -> None:
        """Copy a product from `scratch` to the store. The marker comes last."""
        log.info("keeping %s", name)
        self._marker(name).unlink(missing_ok=True)
        size = (self.scratch / name).stat().st_size
        shutil.copyfile(self.scratch / name, self.store / name)
        if (self.store / name).stat().st_size != size:
            raise OSError(f"{name} was not kept whole")
        self._marker(name).write_text(json.dumps({"bytes": size}))

    def _size(self, name: str) -> int | None:
        try:
            return int(json.loads(self._marker(name).read_text())["bytes"])
        except (OSError, ValueError, KeyError, TypeError):  # none, or cut off itself
            return None

    def _marker(self, name: str) -> Path:
        return self.store / f"{name}.whole"


class Preparation:
    """The steps, each of which makes what it needs first."""

    def __init__(self, settings: dict[str, Any]) -> None:  # Any: JSON, written by components/jobs/gpt_fast.py
        """`settings`: what to prepare and where."""
        self.settings = settings
        self.scratch = Path(settings["scratch"])
        # the name of the folder is how gpt-fast knows the model's shape
        folder = Path(settings["checkpoints"])
        self.products = Products(folder, self.scratch / folder.name)
        self.source = self.scratch / "source"

    def run(self) -> None:
        """Make the served checkpoint and the archive, as far as they are not there."""
        self.quantized() if self.settings["quantized"] else self.converted()
        self.archive()

    def listing(self) -> dict[str, Any]:
        """Return which files the weights are, with their sizes, all of one revision."""
        if not self.products.whole(LISTING):
            info = self._hub().HfApi(token=_token()).model_info(self.settings["model"], files_metadata=True)
            files = {each.rfilename: each.size for each in info.siblings if _is_wanted(each.rfilename)}
            if TOKENIZER not in files or len(files) < 2:
                raise RefusedError(f"{self.settings['model']} lacks {WEIGHTS} or {TOKENIZER}, which gpt-fast converts")
            text = json.dumps({"revision": info.sha, "files": files}, indent=1)
            (self.products.scratch / LISTING).write_text(text)
            self.products.keep(LISTING)
        return json.loads(self.products.local(LISTING).read_text())

    def download(self) -> list[str]:
        """Return the names of the weights' files, all of which are whole."""
        listing = self.listing()
        for name, size in listing["files"].items():
            if not self.products.whole(name):
                log.info("downloading %s, %.1f GB", name, size / 1e9)
                place = self._hub().hf_hub_download(
                    self.settings["model"],
                    name,
                    revision=listing["revision"],
                    local_dir=self.products.scratch,
                    token=_token(),
                )
                if Path(place).stat().st_size != size:
                    raise RefusedError(f"{name} has {Path(place).stat().st_size} bytes, and should have {size}")
                self.products.keep(name)
        return list(listing["files"])

    def converted(self) -> None:
        """Make gpt-fast's checkpoint of the published weights."""
        if self.products.whole(CONVERTED):
            # the server reads it from beside the checkpoint
            if not self.products.whole(TOKENIZER):
                self.download()
            return
        names = self.download()
        for name in names:
            self.products.local(name)
        self._python("scripts/convert_hf_checkpoint.py", "--checkpoint_dir", str(self.products.scratch))
        for name in names:  # room for the next copy
            (self.products.scratch / name).unlink()
        self.products.keep(CONVERTED)

    def quantized(self) -> None:
        """Make the checkpoint in 8-bit integers."""
        if self.products.whole(QUANTIZED) and self.products.whole(TOKENIZER):
            return
        self.converted()
        if not self.products.whole(QUANTIZED):
            path = self.products.local(CONVERTED)
            self._python("quantize.py", "--checkpoint_path", str(path), "--mode", "int8")
            self.products.keep(QUANTIZED)

    def archive(self) -> None:
        """Make the archive that TorchServe loads, unless the one that is there was made of the same."""
        name, target = self.settings["name"], Path(self.settings["model_store"]) / self.settings["name"]
        marker = target.parent / f"{name}.whole"
        made_of = self._made_of()
        if _is_same_archive(marker, target, made_of):
            return
        log.info("archiving %s", name)
        built = self._archived(name)
        files = {str(path.relative_to(built)): path for path in sorted(built.rglob("*")) if path.is_file()}
        marker.unlink(missing_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        for relative, path in files.items():
            (target / relative).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / relative)
        sizes = {relative: path.stat().st_size for relative, path in files.items()}
        marker.write_text(json.dumps({"made_of": made_of, "files": sizes}))

    def _archived(self, name: str) -> Path:
        config, libraries, export = (
            self.scratch / "model_config.yaml",
            self.scratch / "libraries",
            self.scratch / "export",
        )
        # JSON is YAML, too
        config.write_text(json.dumps(self.settings["config"], indent=1))
        for folder in (libraries, export):
            shutil.rmtree(folder, ignore_errors=True)
        export.mkdir()
        # what the handler imports and the image lacks; TorchServe puts the archive on Python's path
        self._pip(libraries, *self.settings["libraries"])
        sources = [self._fetched(place) for place in self.settings["archived"]]
        command = [sys.executable, "-m", "model_archiver.model_packaging", "--model-name", name, "--version", "1.0"]
        command += ["--handler", str(HERE / HANDLER), "--config-file", str(config), "--archive-format", "no-archive"]
        command += ["--extra-files", ",".join(map(str, [*sources, libraries])), "--export-path", str(export), "--force"]
        subprocess.run(command, check=True)
        return export / name

    def _made_of(self) -> str:
        parts = [self.settings["config"], self.settings["source"], self.settings["libraries"]]
        text = json.dumps(parts, sort_keys=True) + (HERE / HANDLER).read_text()
        return hashlib.sha256(text.encode()).hexdigest()

    def _fetched(self, place: str) -> Path:
        """Return a pinned source file, checked."""
        pin, file = self.settings["source"][place], self.source / place
        if not file.is_file() or _sha256(file.read_bytes()) != pin["sha256"]:
            with urllib.request.urlopen(pin["url"], timeout=60) as answer:  # noqa: S310 the URL is pinned, too
                text = answer.read()
            if _sha256(text) != pin["sha256"]:
                raise RefusedError(f"{pin['url']} is not the file that was pinned")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(text)
        return file

    def _python(self, script: str, *arguments: str) -> None:
        for place in self.settings["source"]:  # each imports others
            self._fetched(place)
        log.info("running %s", script)
        subprocess.run([sys.executable, str(self.source / script), *arguments], check=True)

    def _pip(self, folder: Path, *packages: str) -> None:
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--target", str(folder)]
        subprocess.run([*command, *packages], check=True)

    def _hub(self) -> Any:  # Any: a module that only the Job installs
        """Return Hugging Face's library, installed if it is not."""
        folder = self.scratch / "tools"
        if importlib.util.find_spec("huggingface_hub") is None:
            self._pip(folder, *self.settings["tools"])
            sys.path.insert(0, str(folder))
            importlib.invalidate_caches()
        return importlib.import_module("huggingface_hub")


class RefusedError(Exception):
    """What is told without a traceback."""


def _is_wanted(name: str) -> bool:
    return name == TOKENIZER or (name.startswith("consolidated.") and name.endswith(".pt"))


def _is_same_archive(marker: Path, target: Path, made_of: str) -> bool:
    try:
        told = json.loads(marker.read_text())
        return told["made_of"] == made_of and all(
            (target / name).stat().st_size == size for name, size in told["files"].items()
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def _sha256(text: bytes) -> str:
    return hashlib.sha256(text).hexdigest()


def _token() -> str | None:
    """Return the Hugging Face token. From a file, which no other process is given."""
    file = os.environ.get("TOKEN_FILE")
    return Path(file).read_text().strip() if file else None


def main() -> int:
    """Run the steps; 1 if one of them fails, which the Job tries again."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    try:
        Preparation(json.loads(Path(sys.argv[1]).read_text())).run()
    except subprocess.CalledProcessError as failed:
        log.error("error: `%s` ended with %s, and says why above", " ".join(failed.cmd[1:4]), failed.returncode)
        return 1
    except (OSError, RefusedError) as failed:  # errors of HTTP and of Hugging Face are OSErrors
        token = _token()
        text = f"{type(failed).__name__}: {failed}"
        log.error("error: %s", text.replace(token, "***") if token else text)
        return 1
    log.info("ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
