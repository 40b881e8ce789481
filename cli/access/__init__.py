"""How the endpoint of a stack, or another one, is reached from this machine, and when it is ready."""

from cli.access.errors import MissingProgramError, NotReadyError
from cli.access.reached import Reached, Target, reach

__all__ = ["MissingProgramError", "NotReadyError", "Reached", "Target", "reach"]
