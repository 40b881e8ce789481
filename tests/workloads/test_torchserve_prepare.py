"""The preparation for TorchServe, run for real on small stand-ins: steps, archive, and what a kill leaves."""

import hashlib
import json
import logging
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ts.utils.util import get_yaml_config

from components.jobs.gpt_fast import preparation_files
from tests.waiting import PATIENCE_SECONDS
from tests.workloads.hostile import HOSTILE
from workloads.torchserve import prepare

MODEL, TOKEN = "mistralai/Mixtral-8x7B-v0.1", "hf_0123456789"
SHARDS = {"consolidated.00.pt": b"first", "consolidated.01.pt": b"second", "tokenizer.model": b"words"}
CONVERT = """
import argparse, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--checkpoint_dir", type=pathlib.Path)
folder = parser.parse_args().checkpoint_dir
assert "Mixtral-8x7B-v0.1" in folder.name
parts = sorted(folder.glob("*.pt"))
(folder / "model.pth").write_bytes(b"".join(part.read_bytes() for part in parts))
"""
QUANTIZE = """
import argparse, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--checkpoint_path", type=pathlib.Path)
parser.add_argument("--mode", choices=["int8"])
path = parser.parse_args().checkpoint_path
(path.parent / "model_int8.pth").write_bytes(path.read_bytes()[::2])
"""
SOURCE = {
    "generate.py": "GENERATE = 1",
    "model.py": "MODEL = 1",
    "quantize.py": QUANTIZE,
    "tp.py": "TP = 1",
    "handler.py": "HANDLER = 1",
    "scripts/convert_hf_checkpoint.py": CONVERT,
}


class World:
    """A bucket, a machine, Hugging Face, and what was asked of it."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        self.folder, self.store, self.downloads = folder, folder / "bucket", list[str]()
        self.files: dict[str, bytes] = dict(SHARDS)
        for place, text in SOURCE.items():
            file = folder / "github" / place
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        # what the component writes, with places of this machine and stand-ins for what is fetched
        wanted = {"quantization": "int8", "shards": 1, "max_sequence_length": 2048, "startup_seconds": 600, **changes}
        files = preparation_files(MODEL, **wanted, scratch=str(folder / "machine"))
        settings = json.loads(files["settings.json"].replace("/models/", f"{self.store}/"))
        assert set(settings["source"]) == set(SOURCE)
        settings["source"] = {
            place: {"url": (folder / "github" / place).as_uri(), "sha256": hashlib.sha256(text.encode()).hexdigest()}
            for place, text in SOURCE.items()
        }
        self.settings = settings

    @property
    def checkpoints(self) -> Path:
        return self.store / "gpt-fast" / MODEL

    @property
    def archive(self) -> Path:
        return Path(self.settings["model_store"]) / "gpt_fast_mixtral_moe"

    def run(self) -> int:
        (self.folder / "settings.json").write_text(json.dumps(self.settings))
        sys.argv = ["prepare.py", str(self.folder / "settings.json")]
        return prepare.main()

    def lose_the_machine(self) -> None:
        shutil.rmtree(self.folder / "machine")

    def hub(self) -> SimpleNamespace:
        def model_info(model: str, *, files_metadata: bool) -> SimpleNamespace:
            assert (model, files_metadata) == (MODEL, True)
            others = {"config.json": b"{}", "model-00001-of-00019.safetensors": b"the same again"}
            siblings = [SimpleNamespace(rfilename=name, size=len(text)) for name, text in (self.files | others).items()]
            return SimpleNamespace(sha="0123abc", siblings=siblings)

        def api(token: str | None) -> SimpleNamespace:
            assert token == TOKEN
            return SimpleNamespace(model_info=model_info)

        def download(model: str, name: str, *, revision: str, local_dir: Path, token: str | None) -> str:
            assert (model, revision, token) == (MODEL, "0123abc", TOKEN)
            self.downloads.append(name)
            (Path(local_dir) / name).write_bytes(self.files[name])
            return str(Path(local_dir) / name)

        return SimpleNamespace(HfApi=api, hf_hub_download=download)


@pytest.fixture(autouse=True)
def commands(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[list[str]]:
    """What is run: all of it for real, except pip, whose package would come from an index."""
    called: list[list[str]] = []
    real: Callable[..., Any] = subprocess.run

    def run(command: list[str], **options: Any) -> Any:
        called.append(command)
        assert TOKEN not in " ".join(command)
        assert TOKEN not in str(options.get("env") or dict(os.environ))
        if "pip" in command:
            folder = Path(command[command.index("--target") + 1]) / "sentencepiece"
            folder.mkdir(parents=True)
            (folder / "__init__.py").write_text("SENTENCES = 1")
            return None
        return real(command, **options, env={**os.environ, "TMPDIR": str(tmp_path)})

    monkeypatch.setattr(subprocess, "run", run)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    monkeypatch.setenv("TOKEN_FILE", str(tmp_path / "token"))
    return called


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    world = World(tmp_path)
    monkeypatch.setattr(prepare.Preparation, "_hub", lambda _: world.hub())
    return world


def scripts(commands: list[list[str]]) -> list[str]:
    names = ("convert_hf_checkpoint.py", "quantize.py", "model_archiver.model_packaging", "pip")
    return [name for command in commands for name in names if any(name == Path(part).name for part in command)]


def test_everything_is_made_and_made_once(world: World, commands: list[list[str]]) -> None:
    assert world.run() == 0
    assert world.downloads == list(SHARDS)
    assert scripts(commands) == [
        *("convert_hf_checkpoint.py", "quantize.py", "pip", "model_archiver.model_packaging"),
    ]
    assert (world.checkpoints / "model.pth").read_bytes() == b"firstsecond"
    assert (world.checkpoints / "model_int8.pth").read_bytes() == b"firstsecond"[::2]
    assert (world.checkpoints / "tokenizer.model").read_bytes() == b"words"

    commands.clear()
    world.downloads.clear()
    before = {path: path.stat().st_mtime_ns for path in world.store.rglob("*")}
    assert world.run() == 0
    world.lose_the_machine()
    assert world.run() == 0
    assert (commands, world.downloads) == ([], [])
    assert {path: path.stat().st_mtime_ns for path in world.store.rglob("*")} == before


def test_the_archive_is_what_torchserve_loads(world: World) -> None:
    assert world.run() == 0
    manifest = json.loads((world.archive / "MAR-INF" / "MANIFEST.json").read_text())
    assert manifest["model"] == {
        "modelName": "gpt_fast_mixtral_moe",
        "handler": "warm_handler.py",
        "modelVersion": "1.0",
        "configFile": "model_config.yaml",
    }
    # the guide's extra files, what they import, and the handler; no checkpoint
    files = {str(path.relative_to(world.archive)) for path in world.archive.rglob("*") if path.is_file()}
    assert files == {
        *("MAR-INF/MANIFEST.json", "model_config.yaml", "warm_handler.py"),
        *("generate.py", "model.py", "quantize.py", "tp.py", "handler.py", "sentencepiece/__init__.py"),
    }
    # by TorchServe's own reader
    assert get_yaml_config(str(world.archive / "model_config.yaml")) == {
        "minWorkers": 1,
        "maxWorkers": 1,
        "maxBatchDelay": 200,
        "responseTimeout": 300,
        "startupTimeout": 600,
        "maxRetryTimeoutInSec": 600,
        "deviceType": "gpu",
        "handler": {
            "converted_ckpt_dir": f"{world.checkpoints}/model_int8.pth",
            "compile": True,
            "fx_graph_cache": True,
            "stream": True,
            "max_sequence_length": 2048,
        },
    }


def test_another_way_to_serve_makes_another_archive_of_the_same_checkpoint(
    world: World, commands: list[list[str]], tmp_path: Path
) -> None:
    assert world.run() == 0
    first, old = world.archive, (world.archive / "model_config.yaml").read_text()
    commands.clear()
    world.downloads.clear()
    world.settings = World(tmp_path, shards=4).settings
    assert world.run() == 0
    assert scripts(commands) == ["pip", "model_archiver.model_packaging"]
    assert world.downloads == []
    split = get_yaml_config(str(world.archive / "model_config.yaml"))
    assert (split["parallelType"], split["torchrun"]) == ("tp", {"nproc-per-node": 4})
    assert split["handler"]["stream"] is False
    assert world.archive != first
    assert (first / "model_config.yaml").read_text() == old


def test_in_16_bits_nothing_is_quantized(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]]
) -> None:
    world = World(tmp_path, quantization=None, shards=2)
    monkeypatch.setattr(prepare.Preparation, "_hub", lambda _: world.hub())
    assert world.run() == 0
    assert "quantize.py" not in scripts(commands)
    config = get_yaml_config(str(world.archive / "model_config.yaml"))
    assert config["handler"]["converted_ckpt_dir"].endswith("/model.pth")
    # gpt-fast takes any path with int8 in it for quantized weights
    assert "int8" not in config["handler"]["converted_ckpt_dir"]


@pytest.mark.parametrize(
    ("name", "again"),
    [
        ("consolidated.01.pt", ["consolidated.01.pt"]),
        ("model.pth", []),
        ("model_int8.pth", []),
    ],
)
def test_what_was_cut_off_is_made_again_and_nothing_else(
    world: World, commands: list[list[str]], monkeypatch: pytest.MonkeyPatch, name: str, again: list[str]
) -> None:
    real = shutil.copyfile

    class Killed(BaseException):
        """As by a signal: nothing that the program does comes after."""

    def half(source: Any, target: Any) -> Any:
        if Path(target) == world.checkpoints / name:
            Path(target).write_bytes(Path(source).read_bytes()[:3])
            raise Killed
        return real(source, target)

    monkeypatch.setattr(shutil, "copyfile", half)
    with pytest.raises(Killed):
        world.run()
    monkeypatch.setattr(shutil, "copyfile", real)
    world.lose_the_machine()
    done = set(scripts(commands)) - {"convert_hf_checkpoint.py" if name == "model.pth" else "quantize.py"}
    commands.clear()
    world.downloads.clear()
    assert world.run() == 0
    assert world.downloads[: len(again)] == again
    assert not done & set(scripts(commands))
    assert (world.checkpoints / "model_int8.pth").read_bytes() == b"firstsecond"[::2]


def test_a_product_of_another_size_is_not_whole(world: World, commands: list[list[str]]) -> None:
    assert world.run() == 0
    commands.clear()
    (world.checkpoints / "model_int8.pth").write_bytes(b"x")
    assert world.run() == 0
    assert scripts(commands) == ["quantize.py"]
    commands.clear()
    (world.archive / "tp.py").unlink()
    assert world.run() == 0
    assert scripts(commands) == ["pip", "model_archiver.model_packaging"]


def test_a_killed_process_is_gone_on_with(tmp_path: Path) -> None:
    # for real: the conversion kills the program that waits for it, once, and ends with it as in a container
    world = World(tmp_path)
    once = "import os, pathlib, signal\nmark = pathlib.Path(__file__).with_name('mark')\n"
    once += "if not mark.exists():\n    mark.touch()\n    os.kill(os.getppid(), signal.SIGKILL)\n    raise SystemExit\n"
    script = tmp_path / "github" / "scripts" / "convert_hf_checkpoint.py"
    script.write_text(once + CONVERT)
    world.settings["source"]["scripts/convert_hf_checkpoint.py"]["sha256"] = hashlib.sha256(
        script.read_bytes()
    ).hexdigest()
    (tmp_path / "settings.json").write_text(json.dumps(world.settings))
    products = prepare.Products(world.checkpoints, tmp_path / "machine" / "Mixtral-8x7B-v0.1")
    listing = json.dumps({"revision": "0123abc", "files": {name: len(text) for name, text in SHARDS.items()}})
    for name, text in {**SHARDS, "weights.json": listing.encode()}.items():
        (products.scratch / name).write_bytes(text)
        products.keep(name)

    code = (
        "import subprocess, sys; from pathlib import Path; from workloads.torchserve import prepare;"
        "prepare.Preparation._pip = lambda self, folder, *packages: folder.mkdir();"
        f"sys.argv = ['prepare.py', {str(tmp_path / 'settings.json')!r}]; sys.exit(prepare.main())"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), "TMPDIR": str(tmp_path)}
    popen = [sys.executable, "-c", code]
    first = subprocess.Popen(popen, env=environment)
    assert first.wait(PATIENCE_SECONDS) == -9
    second = subprocess.Popen(popen, env=environment)
    assert second.wait(PATIENCE_SECONDS) == 0
    assert (world.checkpoints / "model_int8.pth").read_bytes() == b"firstsecond"[::2]
    assert (world.archive / "MAR-INF" / "MANIFEST.json").is_file()


def test_what_is_fetched_is_what_was_pinned(world: World, caplog: pytest.LogCaptureFixture) -> None:
    (world.folder / "github" / "quantize.py").write_text("import os  # something else")
    assert world.run() == 1
    assert "quantize.py is not the file that was pinned" in caplog.text
    assert not (world.checkpoints / "model_int8.pth").exists()


@pytest.mark.parametrize("token", [text for text in HOSTILE if text.strip()])
def test_the_hub_is_given_the_very_token(
    world: World, monkeypatch: pytest.MonkeyPatch, commands: list[list[str]], token: str
) -> None:
    given: list[str | None] = []

    def refuse(token: str | None) -> None:
        given.append(token)
        raise OSError("401 Client Error")

    Path(os.environ["TOKEN_FILE"]).write_text(token)
    monkeypatch.setattr(prepare.Preparation, "_hub", lambda _: SimpleNamespace(HfApi=refuse))
    assert world.run() == 1
    # as Hugging Face's own library reads a token: without what stands around it
    assert given == [token.strip()]
    assert commands == []


def test_failures_are_told_without_a_traceback_and_without_the_token(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    def gated(*_: Any, **__: Any) -> Any:
        raise OSError(f"403 Client Error, Bearer {TOKEN}: accept the terms")

    hub = world.hub()
    monkeypatch.setattr(
        prepare.Preparation, "_hub", lambda _: SimpleNamespace(**{**vars(hub), "hf_hub_download": gated})
    )
    assert world.run() == 1
    assert "error: OSError: 403 Client Error, Bearer ***: accept the terms" in caplog.text
    assert TOKEN not in caplog.text
    assert "Traceback" not in caplog.text


def test_weights_that_are_not_as_long_as_told_are_refused(world: World, caplog: pytest.LogCaptureFixture) -> None:
    listing = prepare.Preparation.listing

    def listed(preparation: prepare.Preparation) -> dict[str, Any]:
        told = listing(preparation)
        world.files["consolidated.01.pt"] = b"sec"
        return told

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prepare.Preparation, "listing", listed)
        assert world.run() == 1
    assert "consolidated.01.pt has 3 bytes, and should have 6" in caplog.text


def test_a_repository_without_such_weights_is_refused(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.files = {"tokenizer.model": b"words"}
    assert world.run() == 1
    assert "which gpt-fast converts" in caplog.text


def test_the_marker_of_an_older_product_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    products = prepare.Products(tmp_path / "store", tmp_path / "scratch")
    (products.scratch / "model.pth").write_bytes(b"old")
    products.keep("model.pth")
    (products.scratch / "model.pth").write_bytes(b"newer")

    def cut_off(source: Path, target: Path) -> None:
        target.write_bytes(source.read_bytes()[:3])  # as long as the older one
        raise OSError("no space")

    monkeypatch.setattr(shutil, "copyfile", cut_off)
    with pytest.raises(OSError, match="no space"):
        products.keep("model.pth")
    assert not products.whole("model.pth")


def test_a_copy_that_is_too_short_gets_no_marker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    products = prepare.Products(tmp_path / "store", tmp_path / "scratch")
    (products.scratch / "model.pth").write_bytes(b"all of it")
    monkeypatch.setattr(shutil, "copyfile", lambda _, target: target.write_bytes(b"all"))
    with pytest.raises(OSError, match=r"model\.pth was not kept whole"):
        products.keep("model.pth")
    assert not (products.store / "model.pth.whole").exists()


def test_another_configuration_of_the_same_way_is_archived_again(world: World, commands: list[list[str]]) -> None:
    assert world.run() == 0
    commands.clear()
    world.settings["config"]["handler"]["max_sequence_length"] = 4096
    assert world.run() == 0
    assert scripts(commands) == ["pip", "model_archiver.model_packaging"]
    assert get_yaml_config(str(world.archive / "model_config.yaml"))["handler"]["max_sequence_length"] == 4096
