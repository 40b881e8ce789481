"""Texts that a shell, YAML or Kubernetes would take for more than text, and a folder that tells whether one did."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

CANARY = "canary"
HOSTILE = (
    f"$({CANARY})",
    f"`{CANARY}`",
    f"; {CANARY};",
    f"x && {CANARY}",
    f"x || {CANARY}",
    f"x | {CANARY}",
    f"x & {CANARY} &",
    f"\n{CANARY}\n",
    f"'; {CANARY}; '",
    f'"; {CANARY}; "',
    f"'$({CANARY})'",
    f'"$({CANARY})"',
    f"<({CANARY})",
    f"\nEOF\n{CANARY}\n",
    f"}}; {CANARY}; {{",
    f"x > {CANARY}",
    "$SECRET ${SECRET} $(SECRET) $$(SECRET) $$$ $$",
    "*",
    "~",
    "?[a-z]*",
    "{a,b}",
    "!!",
    "# no comment",
    "key: value",
    "- item",
    "&anchor *alias !tag",
    "{{ template }} {% x %}",
    "%s %n 100%",
    "\\n \\0 \\",
    "--flag",
    "-n",
    "-e x\\ty",
    "=x",
    " a  b ",
    "",
    "\t",
    "\N{GRINNING FACE} e\u0301 \u202eabc \u200b",
)
"""Nothing but values. `CANARY` is a command that must not run."""

RECORD = """
import json, os, sys
with open(os.environ["STATE"] + "/ran", "a") as ran:
    ran.write(json.dumps([os.path.basename(sys.argv[1]), *sys.argv[2:]]) + "\\n")
"""


class Shell:
    """Runs scripts in which every named command is written down, with its very arguments, and does nothing else."""

    def __init__(self, folder: Path, *commands: str) -> None:
        self.folder = folder
        (folder / "bin").mkdir()
        (folder / "record.py").write_text(RECORD)
        for name in (CANARY, *commands):
            path = folder / "bin" / name
            path.write_text(f'#!/bin/sh\nexec {sys.executable} -S "$STATE/record.py" "$0" "$@"\n')
            path.chmod(0o755)

    def run(self, command: Sequence[str], environment: Mapping[str, str]) -> list[list[str]]:
        """The commands that ran, each with its arguments; the canary is never one of them."""
        ran = self.folder / "ran"
        ran.write_text("")
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        subprocess.run(
            list(command), env={"STATE": str(self.folder), **environment, "PATH": path}, cwd=self.folder, check=False
        )
        assert not (self.folder / CANARY).exists()
        found = [json.loads(line) for line in ran.read_text().splitlines()]
        assert CANARY not in [name for name, *_ in found]
        return found


def expanded(text: str, variables: Mapping[str, str]) -> str:
    """What the kubelet makes of a text. Source: kubernetes/kubernetes, third_party/forked/golang/expansion, v1.34."""

    def replaced(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        return variables.get(match[1], match[0])

    return re.sub(r"\$\$|\$\(([^)]*)\)", replaced, text)
