"""What the installed package holds."""

import fnmatch
import tomllib
from pathlib import Path

PROJECT = Path(__file__).parents[1]
SETUPTOOLS = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["setuptools"]
PACKAGES = SETUPTOOLS["packages"]["find"]["include"]
PATTERNS = SETUPTOOLS["package-data"]["*"]


def test_every_file_that_the_packages_read_is_in_them() -> None:
    data = [
        path
        for package in PACKAGES
        for folder in PROJECT.glob(package)
        if folder.is_dir()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".py", ".pyc"}
    ]
    # what fills a checkpoint's disk
    assert PROJECT / "workloads/jetstream/convert-to-disk.sh" in data
    assert [path for path in data if not any(fnmatch.fnmatch(path.name, pattern) for pattern in PATTERNS)] == []
