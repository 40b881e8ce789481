"""Timelines in words."""

from cli.timeline.timeline import Timeline


def summary(timeline: Timeline) -> str:
    """Tell how long everything takes, and how near that is to the shortest possible."""
    if not timeline.critical:
        return "Nothing had to be waited for."
    needless = round(timeline.ready) - round(timeline.bound)
    waited = f"{clock_text(needless)} of that" if needless > 0 else "nothing"
    return (
        f"The first token can come {clock_text(timeline.ready)} (minutes:seconds) after the start, in simulated time; "
        f"{waited} is waited for without need."
    )


def clock_text(seconds: float) -> str:
    """Write a time as minutes and seconds: 21:01."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"
