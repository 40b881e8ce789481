"""What stops the command line before or while it does something."""


class RefusedError(Exception):
    """A request that cannot be carried out. Its text says what is wrong, where, and what to do instead."""
