"""Runs the Pulumi CLI so that a rehearsal can be cancelled."""

import os
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

from pulumi.automation import CommandResult, OnOutput, PulumiCommand, Stack
from pulumi.automation.errors import create_command_error

from cli.masking import Mask
from engine import pulumi_version
from engine.interruption import interruption_put_off


class EngineCommand(PulumiCommand):
    """The Pulumi CLI at `executable`, in a process group of its own: Ctrl-C reaches it only through `cancel`."""

    def __init__(self, executable: Path) -> None:
        # The base class takes only a CLI that lies in a folder named bin.
        self.command = str(executable)
        self.version = pulumi_version(executable)
        self.cancelled = False
        self.mask = Mask()
        """Takes secrets out of what is kept of what the CLI prints."""
        self.log = ""
        """What the CLI has printed so far."""
        self.language_host: str | None = None
        """Address of what runs the program, if neither the CLI nor the Automation API of this process is to."""
        self._stderr = ""
        self._process: subprocess.Popen[str] | None = None

    def run(
        self,
        args: list[str],
        cwd: str,
        additional_env: Mapping[str, str],
        on_output: OnOutput | None = None,
        on_error: OnOutput | None = None,
        given: str | None = None,
    ) -> CommandResult:
        """Run the CLI with `args` and return what it printed. The callbacks stay unused: progress comes as events.

        `given` is what it reads on standard input: arguments can be seen by whoever may list processes.

        Raises:
            pulumi.automation.CommandError: it exited with another code than 0.
        """
        del on_output, on_error
        if self.language_host and args[0] in ("preview", "up"):
            args = [*args, f"--client={self.language_host}"]
        environment = {**os.environ, **additional_env, "PULUMI_AUTOMATION_API": "true"}
        # so that whoever is told to cancel finds what has just been started
        with interruption_put_off():
            self._process = subprocess.Popen(
                [self.command, "--non-interactive", *args],
                stdin=subprocess.DEVNULL if given is None else subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd=cwd,
                env=environment,
                encoding="utf-8",
                start_new_session=True,
            )
        with self._process:
            stdout, stderr = self._process.communicate(given)
        self._stderr = self.mask(stderr)
        result = CommandResult(stdout=stdout.rstrip("\n"), stderr=stderr.rstrip("\n"), code=self._process.returncode)
        if args[0] in ("preview", "up", "refresh", "destroy"):
            self.log += self.mask(f"$ pulumi {' '.join(args)}\n{stdout}{stderr}\n")
        elif stderr:
            # not what the others print, since the Automation API asks for state and outputs with their secrets
            self.log += self.mask(f"$ pulumi {' '.join(args)}\n{stderr}\n")
        if result.code != 0:
            raise create_command_error(CommandResult(self.mask(result.stdout), self.mask(result.stderr), result.code))
        return result

    def ask(self, stack: Stack, *args: str, given: str | None = None) -> str:
        """Return what the CLI prints about `stack`. It reads `given` on standard input.

        Raises:
            pulumi.automation.CommandError: it exited with another code than 0.
        """
        workspace = stack.workspace
        command, subcommand, *rest = args
        line = [command, subcommand, "--stack", stack.name, *rest]
        return self.run(line, workspace.work_dir, workspace.env_vars, given=given).stdout

    def errors(self) -> str:
        """Return what went wrong with the last command, as far as it could tell."""
        if self._process is not None and self._process.returncode < 0:
            return f"the engine was stopped by {signal.Signals(-self._process.returncode).name}."
        return "\n".join(
            line.removeprefix("error: ") for line in self._stderr.splitlines() if line.startswith("error: ")
        )

    def cancel(self) -> bool:
        """Ask the running command to stop, the second time kill it, and tell whether there was one to ask.

        Asked, the engine starts nothing more, waits for what is under way and records it.
        """
        process = self._process
        if process is None or process.poll() is not None:
            return False
        process.send_signal(signal.SIGKILL if self.cancelled else signal.SIGINT)
        self.cancelled = True
        return True
