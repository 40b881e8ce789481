"""What stops a benchmark."""


class BenchError(Exception):
    """Nothing can be measured; the message says why and what to do."""
