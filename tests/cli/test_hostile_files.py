"""Stack files that are broken, huge or full of YAML's tricks: a clear error with its place, soon, by every command."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from cli.app import app
from cli.yaml_loader import MOST_CHARACTERS, MOST_LEVELS, PulumiDumper, PulumiLoader
from tests.stacks.stack_file import MIXTRAL, ROOT
from tests.waiting import PATIENCE_SECONDS

LAUGHS = "a: &a [lol, lol]\n" + "".join(
    f"{letter}: &{letter} [{', '.join([f'*{before}'] * 9)}]\n"
    for before, letter in zip("abcdefghi", "bcdefghij", strict=True)
)
GIGABYTE = 1024**3


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "Pulumi.yaml").write_bytes((ROOT / "Pulumi.yaml").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "300")
    return tmp_path


def check(folder: Path, content: bytes | str, file: str = "Pulumi.hostile.yaml") -> Result:
    """What `llm-serving check` says of a file, which is never a traceback."""
    (folder / file).write_bytes(content if isinstance(content, bytes) else content.encode())
    result = CliRunner().invoke(app, ["check", "hostile"])
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    assert result.exit_code in (0, 1, 2)
    return result


BROKEN = {
    "unclosed": ("config:\n  a: [1\n", "line 3: not valid YAML"),
    "tab": ("config:\n\ta: 1\n", "line 2: not valid YAML"),
    "control-character": ("config:\n  a: \x00\n", "line 2: not valid YAML: the character U+0000"),
    "not-utf-8": (b"config:\n  a: \xff\xfe\n", "line 2: is not UTF-8; save it"),
    "utf-16": ("config:\n  a: 1\n".encode("utf-16"), "line 1: is not UTF-8"),
    "binary": (bytes(range(256)) * 16, "line"),
    "two-documents": ("config: {}\n---\nconfig: {}\n", "line 2: not valid YAML: but found another document"),
    "no-map": ("- a\n", "must be a map of settings"),
    "text": ("just words\n", "must be a map of settings"),
    "twice": ("config:\n  a: 1\n  a: 2\n", "line 3: not valid YAML: the key 'a' stands twice"),
    "twice-inside": ("config:\n  a: {b: 1, c: 2, b: 3}\n", "line 2: not valid YAML: the key 'b' stands twice"),
    "python-object": ("config:\n  a: !!python/object/apply:os.system [touch x]\n", "line 2: not valid YAML: settings"),
    "own-tag": ("config:\n  a: !secret x\n", "line 2: not valid YAML: settings have no tags as '!secret'; remove it"),
    "binary-tag": ("config:\n  a: !!binary aGk=\n", "remove it"),
    "set-tag": ("config:\n  a: !!set {b}\n", "remove it"),
    "date": ("config:\n  a: 2026-01-03T03:00:00Z\n", "line 2: not valid YAML: Pulumi makes another text of the date"),
    "day": ("config:\n  a: 2026-01-03\n", "write it in quotes"),
    "infinity": ("config:\n  a: .inf\n", "line 2: not valid YAML: '.inf' is no number that Pulumi takes"),
    "no-number": ("config:\n  a: .NaN\n", "no number"),
    "number-key": ("config:\n  a: {1: b}\n", "line 2: not valid YAML: a key is no text; write it in quotes"),
    "boolean-key": ("config:\n  true: b\n", "line 2: not valid YAML: a key is no text"),
    "null-key": ("config:\n  ~: b\n", "line 2: not valid YAML: a key is no text"),
    "list-key": ("config:\n  ? [a]\n  : b\n", "line 2: not valid YAML: a key is no text"),
    "half-letter": ('config:\n  a: "\\ud83d\\ude00"\n', "line 2: not valid YAML: half of a pair"),
    "beyond-unicode": ('config:\n  a: "\\UFFFFFFFF"\n', "line 2: not valid YAML: an escape stands for no character"),
    "unknown-alias": ("config:\n  a: *b\n", "line 2: not valid YAML: found undefined alias"),
    "contains-itself": ("config:\n  a: &b [*b]\n", "line 2: not valid YAML: a value contains itself"),
    "merges-itself": ("config:\n  a: &b {<<: *b}\n", "line 2: not valid YAML: a value contains itself"),
    "merges-a-number": ("config:\n  a: {<<: 5}\n", "line 2: not valid YAML"),
    "billion-laughs": (LAUGHS, "line 6: not valid YAML: its aliases make more than"),
    "deep-list": ("config:\n  a: " + "[" * 10_000 + "]" * 10_000, f"more than {MOST_LEVELS} maps and lists"),
    "deep-map": ("config: " + "{a: " * 10_000, f"more than {MOST_LEVELS} maps and lists"),
    "deep-lines": ("".join(f"{' ' * level}a:\n" for level in range(400)), f"more than {MOST_LEVELS} maps and lists"),
    "huge": ("config:\n" + "  a: 1\n" * 5_000_000, "is larger than 256 KiB"),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
@pytest.mark.parametrize("file", ["Pulumi.hostile.yaml", "Pulumi.yaml"])
def test_broken_files_are_refused_with_their_place(folder: Path, file: str, content: bytes | str, message: str) -> None:
    (folder / "Pulumi.hostile.yaml").write_text("config: {}\n")
    result = check(folder, content, file)
    assert result.exit_code == 2, result.output
    assert f"{file}: " in result.stderr
    assert message in result.stderr


@pytest.mark.parametrize("file", ["Pulumi.hostile.yaml", "Pulumi.yaml"])
def test_settings_that_are_no_map(folder: Path, file: str) -> None:
    (folder / "Pulumi.hostile.yaml").write_text("config: {}\n")
    result = check(folder, "name: llm-serving\nconfig: [a]\n", file)
    assert result.exit_code == 2
    assert f"{file}: `config:` must be a map of settings, and is a list." in result.stderr


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "config:\n",
        "config: 0\n",
        "\ufeffconfig: {}\n",
        "config: {'llm-serving:recipe': [a]}\n",
        "config: {'llm-serving:recipe': {a: b}}\n",
        "config: {'llm-serving:recipe': {secure: 5}}\n",
        "config: {'llm-serving:recipe': no}\n",
        "config: {'': a, ':': b, '::': c, ' ': d}\n",
        "config: {base: &base {a: 1}, other: {<<: *base, b: 2}}\n",
    ],
)
def test_files_that_say_little_or_nonsense_are_no_recipe(folder: Path, content: str) -> None:
    result = check(folder, content)
    assert result.exit_code == 1
    assert "error[recipe-unknown]" in result.stdout


@pytest.mark.parametrize("start", range(4))
def test_a_file_that_was_cut_off_anywhere(folder: Path, start: int) -> None:
    whole = (ROOT / f"Pulumi.{MIXTRAL}.yaml").read_bytes()
    for end in range(start * 11, len(whole), 44):
        result = check(folder, whole[:end])
        if result.exit_code == 2:
            assert "Pulumi.hostile.yaml: " in result.stderr
            continue
        # what is left out is refused like any other setting, but for what has a default
        assert (
            result.exit_code == (0 if "llm-serving:service:" in whole[:end].decode() else 1) or "error" in result.stdout
        )


def test_recipes_lists_them_whatever_their_stacks_say(folder: Path) -> None:
    (folder / f"Pulumi.{MIXTRAL}.yaml").write_text("config: {'llm-serving:service': none, 'llm-serving:host': [1]}\n")
    result = CliRunner().invoke(app, ["recipes"])
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("written", ["08", "0o17", "1e3", "1_000", "2026-01-03", ".inf", "~", "true", "<<", "no", "5"])
def test_text_that_looks_like_more_stays_text(written: str) -> None:
    dumped = yaml.dump({"a": written}, Dumper=PulumiDumper)
    assert yaml.load(dumped, PulumiLoader) == {"a": written}
    # Pulumi would take it for more, so it must be in quotes; `no` it would not
    assert (dumped == f"a: {written}\n") == (written == "no")


@pytest.mark.parametrize(
    ("bad", "arguments"),
    [
        ("deep-list", ("rehearse", "preview", "hostile")),
        ("huge", ("rehearse", "up", "hostile")),
        ("billion-laughs", ("graph", "hostile")),
        ("date", ("diff", "hostile", "--against", "HEAD")),
    ],
)
def test_every_command_refuses_soon_and_with_little_memory(folder: Path, arguments: tuple[str, ...], bad: str) -> None:
    content, message = BROKEN[bad]
    assert isinstance(content, str)
    (folder / "Pulumi.hostile.yaml").write_text(content)
    if arguments[0] == "diff":
        git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.com"]
        for command in (["init", "--quiet"], ["add", "Pulumi.yaml"], ["commit", "--quiet", "-m", "a"]):
            subprocess.run([*git, *command], check=True)

    def bounded() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (2 * GIGABYTE, 2 * GIGABYTE))

    done = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT), "HOME": str(folder), "COLUMNS": "300"},
        preexec_fn=bounded,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert message in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_the_largest_file_that_is_taken_is_read(folder: Path) -> None:
    settings: dict[str, Any] = {"config": {f"a:{number}": "x" * 90 for number in range(2500)}}
    content = yaml.dump(settings)
    assert MOST_CHARACTERS * 0.9 < len(content) <= MOST_CHARACTERS
    assert check(folder, content).exit_code == 1
