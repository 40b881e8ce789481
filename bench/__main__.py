"""`python -m bench`: measures rehearsals against the floor, and exits with 1 when a bound is missed."""

import argparse
import json
import sys

from rich.console import Console

from bench.checks import measure_checks
from bench.compare import compare
from bench.diffs import measure_diffs
from bench.errors import BenchError
from bench.growth import growth
from bench.rehearsed import environment
from bench.report import show, to_json
from bench.requests import measure_requests
from bench.shares import measure_shares
from engine import EngineError, find_pulumi

TABLE_WIDTH = 110
"""Columns of text that the tables need."""


def main() -> int:
    """Measure, report, and return the exit code: 0 when every bound is kept, 1 when not, 2 when nothing came of it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="measured runs of each kind (default: 5)")
    parser.add_argument("--json", action="store_true", help="print one JSON document, and progress on standard error")
    arguments = parser.parse_args()
    if arguments.runs < 1:
        parser.error("--runs must be at least 1")
    console = Console(stderr=arguments.json, highlight=False)
    console.width = max(console.width, TABLE_WIDTH)
    try:
        pulumi_cli = find_pulumi(console.print)
        comparisons = compare(pulumi_cli, arguments.runs, console.print)
        growths = growth(pulumi_cli, arguments.runs, console.print)
        shares = measure_shares(pulumi_cli, console.print)
        checks = measure_checks(arguments.runs, environment(pulumi_cli), console.print)
        diffs = measure_diffs(arguments.runs, environment(pulumi_cli), console.print)
        requests = measure_requests(environment(pulumi_cli), console.print)
    except (BenchError, EngineError) as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        return 130
    document = to_json(comparisons, growths, shares, checks, diffs, requests)
    if arguments.json:
        print(json.dumps(document, indent=2))
    show(comparisons, growths, shares, checks, diffs, requests, console)
    return 0 if document["kept"] else 1


if __name__ == "__main__":
    sys.exit(main())
