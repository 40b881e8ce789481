"""Kubernetes quantities.

Source: kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity, 2026-11-21.
"""

import re

_FACTORS = {"": 1, "m": 1e-3, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15} | {
    f"{letter}i": 1024**power for power, letter in enumerate("KMGTP", start=1)
}


def quantity(text: str) -> float:
    """Return the number that a quantity as `500m` or `160Gi` stands for.

    Raises:
        ValueError: if it is none.
    """
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)([A-Za-z]*)", text)
    if match is None or match[2] not in _FACTORS:
        raise ValueError(f"'{text}' is not a Kubernetes quantity, as 2, 500m or 160Gi are")
    return float(match[1]) * _FACTORS[match[2]]
