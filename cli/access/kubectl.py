"""Runs kubectl on a stack's cluster."""

import json
import queue
import re
import shutil
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.access.errors import MissingProgramError, NotReadyError

SECONDS = 60
"""How long one question, or the beginning of a port-forward, may take."""

FORWARDING = re.compile(r"Forwarding from 127\.0\.0\.1:(\d+) ->")


class KubectlError(Exception):
    """Kubectl, or the cluster, did not do it. Its text is what kubectl said."""


@dataclass(frozen=True)
class Kubectl:
    """Kubectl on one cluster."""

    command: str
    kubeconfig: Path | None
    """None: the current context of this machine."""

    def ask(self, *arguments: str) -> str:
        """Return what kubectl prints.

        Raises:
            KubectlError: it failed.
        """
        try:
            asked = subprocess.run(
                self._line(*arguments), capture_output=True, text=True, check=False, timeout=SECONDS
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            raise KubectlError(f"the cluster did not answer within {SECONDS} s") from None
        if asked.returncode != 0:
            raise KubectlError(_last_line(asked.stderr) or f"kubectl ended with {asked.returncode}")
        return asked.stdout

    def get(self, *arguments: str) -> Any:  # Any: JSON
        """Return what `kubectl get` says of objects.

        Raises:
            KubectlError: it failed.
        """
        return json.loads(self.ask("get", *arguments, "--output", "json"))

    @contextmanager
    def forward(self, namespace: str, pod: str, port: int) -> Generator[int]:
        """Forward a free port of this machine to a port of a pod, and give its number.

        Raises:
            NotReadyError: the forward does not begin.
        """
        process = subprocess.Popen(
            self._line("--namespace", namespace, "port-forward", "--address", "127.0.0.1", f"pod/{pod}", f":{port}"),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        lines: deque[str] = deque(maxlen=5)
        begun: queue.Queue[int | None] = queue.Queue()

        def read() -> None:
            assert process.stdout  # noqa: S101 it was asked for
            # to the end, since kubectl writes a line for each connection and waits while nobody reads
            for line in process.stdout:
                lines.append(line.strip())
                if match := FORWARDING.match(line):
                    begun.put(int(match[1]))
            begun.put(None)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            try:
                number = begun.get(timeout=SECONDS)
            except queue.Empty:
                raise NotReadyError(f"kubectl did not begin to forward a port within {SECONDS} s.") from None
            if number is None:
                raise NotReadyError(f"kubectl cannot forward a port to the pod {pod}: {' '.join(lines)}")
            yield number
        finally:
            process.terminate()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            reader.join()
            if process.stdout:
                process.stdout.close()

    def _line(self, *arguments: str) -> list[str]:
        config = ["--kubeconfig", str(self.kubeconfig)] if self.kubeconfig else []
        return [self.command, *config, *arguments]


@contextmanager
def open_kubectl(kubeconfig: str | None) -> Generator[Kubectl]:
    """Give kubectl on the cluster of `kubeconfig`, which is a file only meanwhile. None: of the current context.

    Raises:
        MissingProgramError: there is no kubectl.
    """
    command = shutil.which("kubectl")
    if command is None:
        raise MissingProgramError("There is no `kubectl` on PATH, which reaches into the stack's cluster.")
    if kubeconfig is None:
        yield Kubectl(command, None)
        return
    with tempfile.TemporaryDirectory(prefix="llm-serving-") as folder:
        file = Path(folder) / "kubeconfig"
        file.touch(mode=0o600)
        file.write_text(kubeconfig, encoding="utf-8")
        yield Kubectl(command, file)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1].removeprefix("error: ").removeprefix("Error from server ") if lines else ""
