"""changed_stacks.py REPORT: prints which stacks are to be brought up, of a report of `llm-serving diff --json`.

One on a line. Those that cannot be planned, or that are gone, are not among them.
"""

import json
import sys
from pathlib import Path

TO_BRING_UP = ("changed", "added", "repaired")


def main(report: str) -> None:
    """Print the names."""
    text = Path(report).read_text(encoding="utf-8")
    if not text:
        sys.exit("There is no report: `llm-serving diff` says above why.")
    for name in sorted(each["stack"] for each in json.loads(text)["stacks"] if each["status"] in TO_BRING_UP):
        print(name)


if __name__ == "__main__":
    main(*sys.argv[1:])
