"""Pulumi components that serve large language models. Import this package, or deploy a recipe of `stacks`.

What it exports is in `__init__.pyi`. A module is imported when it is asked for: the SDKs of both clouds take seconds,
and most programs use one.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(  # pyright: ignore[reportUnknownVariableType] it has no types
    __name__, __file__
)

__version__ = "0.1.0"
"""Of everything in this project: the Python package, the Pulumi package and the command line."""
