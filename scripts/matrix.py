"""matrix.py < NAMES: prints the lines of the standard input as one line `stacks=[...]`, for a matrix on GitHub."""

import json
import sys

print(f"stacks={json.dumps(sys.stdin.read().splitlines())}")
