"""What is wrong with a configuration, said so that a person can mend it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import pulumi


class Severity(StrEnum):
    """Whether a finding stops the deployment."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True)
class Finding:
    """One problem of a configuration."""

    severity: Severity
    code: str
    """Stable name of the kind of problem, for example `shards-not-accelerators`."""
    path: str
    """Where it stands in the configuration, for example `service.shards`."""
    message: str
    """What is wrong."""
    remedy: str
    """What to set instead."""

    def __str__(self) -> str:
        return f"{self.severity}[{self.code}] {self.path}: {self.message} {self.remedy}"

    def under(self, path: str) -> "Finding":
        """Return the same finding for a configuration that stands at `path` of a larger one.

        A path with a colon is a key of the stack's configuration itself, wherever it is found to be wrong.
        """
        if ":" in self.path:
            return self
        return Finding(self.severity, self.code, join(path, self.path), self.message, self.remedy)


class ConfigurationError(pulumi.RunError):
    """A configuration that must not be deployed. Pulumi shows its text without a traceback."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self.findings = tuple(findings)
        lines = "\n".join(f"  {finding}" for finding in self.findings)
        super().__init__(f"The configuration is refused, and nothing was changed:\n{lines}")


def error(code: str, path: str, message: str, remedy: str) -> Finding:
    """Return a finding that stops the deployment."""
    return Finding(Severity.ERROR, code, _printable(path), _printable(message), _printable(remedy))


def warning(code: str, path: str, message: str, remedy: str) -> Finding:
    """Return a finding that is told and does not stop the deployment."""
    return Finding(Severity.WARNING, code, _printable(path), _printable(message), _printable(remedy))


def _printable(text: str) -> str:
    """Return `text` with escapes for what a terminal would not show, or obey: settings are quoted in messages."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def join(*path: str) -> str:
    """Join parts of a configuration path, leaving out empty ones."""
    return ".".join(part for part in path if part)


def refuse(findings: Iterable[Finding]) -> None:
    """Tell the warnings among `findings`, and stop if any is an error.

    Raises:
        ConfigurationError: with every error of `findings`.
    """
    found = list(findings)
    for finding in found:
        if finding.severity is Severity.WARNING:
            pulumi.log.warn(str(finding))
    errors = [finding for finding in found if finding.severity is Severity.ERROR]
    if errors:
        raise ConfigurationError(errors)
