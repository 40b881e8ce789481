"""`python -m engine [pulumi | control-plane | actionlint | languages]`: prints where it is, or the folder.

Progress goes to standard error.
"""

import sys

from engine.find import EngineError, find_actionlint, find_control_plane, find_languages, find_pulumi


def _report(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main(what: str = "pulumi") -> int:
    """Finds it, or gets it, and prints its path; returns the exit code."""
    try:
        match what:
            case "pulumi":
                print(find_pulumi(_report))
            case "control-plane":
                print(find_control_plane(_report))
            case "actionlint":
                print(find_actionlint(_report))
            case "languages":
                print(find_languages(_report))
            case _:
                _report(
                    f"error: there is no {what!r} to be found. Ask for pulumi, control-plane, actionlint or languages."
                )
                return 2
    except EngineError as error:
        _report(f"error: {error}")
        return 1
    except KeyboardInterrupt:
        _report("Interrupted. Nothing half-made is left; the next run starts again.")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(" ".join(sys.argv[1:]) or "pulumi"))
