"""Why an endpoint is not reached. What the configuration or the command line can mend is a `RefusedError`."""


class MissingProgramError(Exception):
    """A program that is needed is not on PATH. Its text says which, and what for."""


class NotReadyError(Exception):
    """The server was not ready in time, or cannot get ready. Its text says what it was waited for."""
