"""What an online check came to."""

from dataclasses import dataclass

from components.findings import Finding

SECONDS = 20
"""How long one question may take."""


@dataclass(frozen=True)
class Answer:
    """What one place on the network says of a stack."""

    findings: tuple[Finding, ...] = ()
    skipped: tuple[str, ...] = ()
    """What was not asked, or not answered, and why."""

    def __add__(self, other: "Answer") -> "Answer":
        return Answer(self.findings + other.findings, self.skipped + other.skipped)


def first_line(error: Exception) -> str:
    """Return what an exception says, without what follows in further lines."""
    return (str(error).splitlines() or [type(error).__name__])[0]
