"""Fine-tunes of tiny models, whole: what they leave, and what becomes of one that is killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM

from tests.finetune.conftest import SECRETS, STEPS, Child, Run
from workloads.finetune.data import load_examples
from workloads.finetune.rouge import rouge
from workloads.finetune.settings import Settings, read_settings
from workloads.finetune.train import Result, load_model, load_tokenizer

Flags = Callable[..., list[str]]


@pytest.fixture(scope="module")
def output(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("output")


@pytest.fixture(scope="module")
def settings(flags: Flags, output: Path) -> Settings:
    return read_settings(flags(output))


@pytest.fixture(scope="module")
def finished(flags: Flags, output: Path) -> Run:
    """Both candidates, by the command as the Job runs it."""
    done = subprocess.run(
        [sys.executable, "-m", "workloads.finetune", *flags(output)],
        env={**os.environ, **SECRETS},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return Run(done.returncode, done.stdout)


@pytest.fixture(scope="module")
def results(finished: Run, settings: Settings) -> dict[str, Result]:
    files = [settings.folder(model) / "result.json" for model in settings.models]
    return {Path(result.model).name: result for result in map(read, files)}


def read(file: Path) -> Result:
    return Result.model_validate_json(file.read_text())


def test_the_loss_falls_and_rouge_rises(results: dict[str, Result]) -> None:
    assert set(results) == {"llama", "mistral"}
    for result in results.values():
        assert len(result.losses) == STEPS
        assert sum(result.losses[-3:]) / 3 < result.losses[0] / 4
        assert set(result.before) == set(result.after) == {"rouge1", "rouge2", "rougeL", "rougeLsum"}
        assert 0 <= result.before["rougeL"] < 0.2
        assert 0.3 < result.after["rougeL"] <= 1


def test_the_log_tells_how_far_it_is(finished: Run) -> None:
    for told in ("fine-tuning", "answered 8 of 12", f"step {STEPS} of {STEPS}, loss ", "saved checkpoint-24", "done: "):
        assert told in finished.log
    # one has no dialogue, and one is longer than the 128 tokens
    assert "1 of 49 examples are longer than 128 tokens" in finished.log
    assert "\r" not in finished.log
    # nothing that libraries tell, the addresses of requests least of all
    assert "Using default tokenizer" not in finished.log


def test_no_token_is_anywhere(finished: Run, output: Path) -> None:
    files = [path.read_bytes() for path in output.rglob("*") if path.is_file()]
    assert len(files) > 20
    for secret in SECRETS.values():
        assert secret not in finished.log
        assert not any(secret.encode() in content for content in files)


def test_the_better_one_is_kept(results: dict[str, Result], output: Path, settings: Settings) -> None:
    about = json.loads((output / "best" / "finetune.json").read_text())
    best = max(results.values(), key=lambda result: result.after["rougeL"])
    assert min(result.after["rougeL"] for result in results.values()) < best.after["rougeL"]
    assert about == {
        "model": best.model,
        "run": settings.folder(best.model).name,
        "kind": "merged",
        "before": best.before,
        "after": best.after,
    }
    card = (output / "best" / "README.md").read_text()
    assert f"base_model: {best.model}" in card
    assert f"| rougeL | {best.before['rougeL']:.4f} | {best.after['rougeL']:.4f} |" in card


def test_the_adapter_loads_again(results: dict[str, Result], settings: Settings) -> None:
    test = load_examples(settings, "test", settings.test_examples)
    for result in results.values():
        model = PeftModel.from_pretrained(load_model(result.model, settings), str(result.adapter))
        scores = rouge(model, load_tokenizer(str(result.adapter)), test, settings)
        assert scores == pytest.approx(result.after)


def test_the_merged_weights_are_base_and_adapter(output: Path, finished: Run, settings: Settings) -> None:
    about = json.loads((output / "best" / "finetune.json").read_text())
    base = load_model(about["model"], settings)
    adapter = load_file(settings.folder(about["model"]) / "adapter" / "adapter_model.safetensors")
    merged = AutoModelForCausalLM.from_pretrained(output / "best")
    touched = 0
    for name, weight in merged.named_parameters():
        expected = base.get_parameter(name)
        down = f"base_model.model.{name.removesuffix('weight')}lora_A.weight"
        if down in adapter:
            touched += 1
            expected = expected + settings.alpha / settings.rank * adapter[down.replace("_A", "_B")] @ adapter[down]
            assert not torch.allclose(weight, base.get_parameter(name), atol=1e-3)
        torch.testing.assert_close(weight, expected)
    assert touched == 2 * 7  # layers, linear maps of each
    tokens = torch.arange(5, 40).unsqueeze(0)
    with_adapter = PeftModel.from_pretrained(base, str(settings.folder(about["model"]) / "adapter"))
    torch.testing.assert_close(merged(tokens).logits, with_adapter(tokens).logits, atol=1e-4, rtol=1e-4)
    assert load_tokenizer(str(output / "best")).chat_template


def test_run_again_it_does_nothing(finished: Run, flags: Flags, output: Path, tmp_path: Path) -> None:
    def state() -> dict[Path, int]:
        return {path: path.stat().st_mtime_ns for path in output.rglob("*")}

    before = state()
    again = Child(flags(output), tmp_path / "again").wait()
    assert again.status == 0
    assert again.log.count("is trained already") == 2
    assert state() == before


@pytest.mark.parametrize(("number", "status", "resumed"), [(signal.SIGKILL, -9, 8), (signal.SIGTERM, 143, 10)])
def test_a_killed_run_goes_on_to_the_same_result(
    number: signal.Signals,
    status: int,
    resumed: int,
    flags: Flags,
    candidates: dict[str, Path],
    results: dict[str, Result],
    tmp_path: Path,
) -> None:
    chosen = flags(tmp_path / "output", models=candidates["llama"])
    killed = Child(chosen, tmp_path / "killed", pause=10).kill(number)
    assert killed.status == status, killed.log
    folder = read_settings(chosen).folder(str(candidates["llama"]))
    checkpoints = folder / "checkpoints"
    assert not (folder / "result.json").exists()
    assert f"saved checkpoint-{resumed}" in killed.log
    # as a run leaves it that is killed while it writes
    half = checkpoints / "checkpoint-11"
    shutil.copytree(checkpoints / f"checkpoint-{resumed}", half)
    (half / "complete").unlink()
    (half / "adapter_model.safetensors").write_bytes(b"half")

    resumption = Child(chosen, tmp_path / "resumed").wait()
    assert resumption.status == 0, resumption.log
    assert "deleting the half-written checkpoint-11" in resumption.log
    assert f"going on from checkpoint-{resumed}" in resumption.log
    # training from the beginning would come to the same result
    assert f"step {resumed + 1} of {STEPS}" in resumption.log
    assert f"step 1 of {STEPS}" not in resumption.log
    # the scores of the base model were kept
    assert resumption.log.count("answered 12 of 12") == 1
    result, expected = read(folder / "result.json"), results["llama"]
    assert result.losses == pytest.approx(expected.losses, rel=1e-6)
    assert (result.before, result.after) == (pytest.approx(expected.before), pytest.approx(expected.after))
    trained = load_file(result.adapter / "adapter_model.safetensors")
    wanted = load_file(expected.adapter / "adapter_model.safetensors")
    assert trained.keys() == wanted.keys()
    for name, weight in trained.items():
        torch.testing.assert_close(weight, wanted[name])


def test_a_run_killed_after_its_last_step_does_not_train_again(
    flags: Flags, candidates: dict[str, Path], results: dict[str, Result], tmp_path: Path
) -> None:
    chosen = flags(tmp_path / "output", models=candidates["llama"])
    killed = Child(chosen, tmp_path / "killed", pause=STEPS).kill(signal.SIGTERM)
    assert killed.status == 143, killed.log
    resumption = Child(chosen, tmp_path / "resumed").wait()
    assert resumption.status == 0, resumption.log
    assert f"going on from checkpoint-{STEPS}" in resumption.log
    assert "loss" not in resumption.log
    result = read(read_settings(chosen).folder(str(candidates["llama"])) / "result.json")
    assert result.after == pytest.approx(results["llama"].after)
    assert result.losses == pytest.approx(results["llama"].losses, rel=1e-6)


def test_a_run_that_is_told_to_stop_elsewhere_stops_at_once(
    flags: Flags, candidates: dict[str, Path], tmp_path: Path
) -> None:
    chosen = flags(tmp_path / "output", models=candidates["llama"])
    killed = Child(chosen, tmp_path / "killed", pause=Child.BEFORE).kill(signal.SIGTERM)
    assert killed.status == 143, killed.log
    assert "Traceback" not in killed.log
    assert "step" not in killed.log


def test_other_settings_train_anew_and_leave_the_adapter(
    flags: Flags, candidates: dict[str, Path], tmp_path: Path
) -> None:
    output, changes = tmp_path / "output", {"models": candidates["mistral"], "max_steps": 1, "save": "adapter"}
    one, other = (read_settings(flags(output, rank=rank, **changes)) for rank in (4, 8))
    folder = one.folder(str(candidates["mistral"]))
    assert folder != other.folder(str(candidates["mistral"]))
    assert Child(flags(output, rank=4, **changes), tmp_path / "one").wait().status == 0
    assert Child(flags(output, rank=8, **changes), tmp_path / "other").wait().status == 0
    best = output / "best"
    assert json.loads((best / "finetune.json").read_text())["kind"] == "adapter"
    assert json.loads((best / "adapter_config.json").read_text())["r"] == 8
    # of the run that it says it is of, and of it alone
    trained = load_file(other.folder(str(candidates["mistral"])) / "adapter" / "adapter_model.safetensors")
    kept = load_file(best / "adapter_model.safetensors")
    assert all(torch.equal(kept[name], weight) for name, weight in trained.items())
    assert not (best / "config.json").exists()


def test_chats_can_be_trained_on(flags: Flags, candidates: dict[str, Path], tmp_path: Path) -> None:
    data = tmp_path / "chats"
    data.mkdir()
    roles = [{"role": "user", "content": "Hi, Jerry."}, {"role": "assistant", "content": "Hi, Amanda."}]
    for split in ("train", "test"):
        (data / f"{split}.jsonl").write_text(4 * (json.dumps({"messages": [*roles, *roles]}) + "\n"))
    changes: dict[str, Any] = {"dataset": data, "messages_column": "messages", "max_steps": 12}
    run = Child(flags(tmp_path / "output", models=candidates["llama"], **changes), tmp_path / "run").wait()
    assert run.status == 0, run.log
    about = json.loads((tmp_path / "output" / "best" / "finetune.json").read_text())
    assert about["after"]["rougeL"] == 1  # it has learned the only answer by heart


@pytest.mark.parametrize("tracked", [True, False])
def test_weights_and_biases(tracked: bool, flags: Flags, candidates: dict[str, Path], tmp_path: Path) -> None:
    chosen = flags(tmp_path / "output", models=candidates["llama"], max_steps=2, wandb=str(tracked).lower())
    variables = {"WANDB_MODE": "offline", "WANDB_DIR": str(tmp_path)}
    run = Child(chosen, tmp_path / "run", variables=variables).wait()
    assert run.status == 0, run.log
    files = [path for path in (tmp_path / "wandb").rglob("*") if path.is_file()]
    recorded = b"".join(path.read_bytes() for path in files)
    if not tracked:
        assert not files
        return
    for part in (b"before/rougeL", b"after/rougeL", b"train/loss"):
        assert part in recorded
    for secret in SECRETS.values():
        assert secret.encode() not in recorded
        assert secret not in run.log
