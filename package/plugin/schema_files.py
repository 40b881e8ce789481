"""`python -m package.plugin.schema_files [release]`: writes the schema that the repository keeps.

With `release`, also as the one that users have from now on, which later changes are held against.
"""

import json
import sys
from pathlib import Path

from package.plugin.host import Host
from package.plugin.schema import Schema

CURRENT = Path(__file__).with_name("schema.json")
"""What the components are now."""
RELEASED = Path(__file__).with_name("released.json")
"""What they were in the last version that was published."""


def current() -> Schema:
    """Return the schema of the components as they are."""
    return json.loads(Host().schema or "")


def text(schema: Schema) -> str:
    """Return a schema as it is kept in a file."""
    return json.dumps(schema, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for path in (CURRENT, RELEASED) if sys.argv[1:] == ["release"] else (CURRENT,):
        path.write_text(text(current()), encoding="utf-8")
