"""Which cases are made up."""

import random

import pytest


@pytest.fixture
def first_seed(request: pytest.FixtureRequest) -> int:
    """0 with hypothesis's profile `ci`, which has the same cases in every run; otherwise any."""
    return 0 if request.config.getoption("--hypothesis-profile") == "ci" else random.randrange(2**32)
