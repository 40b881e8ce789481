"""Makes the picture of a stack from what its program has registered."""

from cli.diff.recording import Recording
from cli.graph.arrows import Traffic
from cli.graph.boxes import Nesting
from cli.graph.picture import Picture
from cli.graph.resources import Resources


def picture_of(stack: str, recording: Recording, operation: str | None = None) -> Picture:
    """Return the picture of `stack`.

    Args:
        stack: its name.
        recording: one run of its program.
        operation: what is done to all of its resources instead of what was recorded.
    """
    resources = Resources(recording, operation)
    nesting = Nesting(resources)
    boxes = nesting.boxes()
    traffic = Traffic(resources, nesting)
    arrows = traffic.arrows()
    known = {**traffic.outside, **boxes}
    return Picture(
        title=stack,
        boxes=tuple(known.values()),
        arrows=tuple(each for each in arrows if each.start in known and each.end in known),
    )
