"""Where the scripts lie that the components put into machines and pods."""

from pathlib import Path


def workload(name: str) -> Path:
    """Return the folder of one workload, such as `triton`: in the installed package, or beside it in the repository."""
    here = Path(__file__).parent
    return next(folder for folder in (here / "workloads", here.parent / "workloads") if folder.is_dir()) / name
