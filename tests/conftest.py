"""Names of parametrized tests."""

import pytest

LONGEST_NAME = 60


def pytest_make_parametrize_id(config: pytest.Config, val: object, argname: str) -> str | None:
    """A parameter's part of its test's name: bytes and long texts are named by their argument and numbered.

    Whole events in names hold the time of collection, and processes that collect in different seconds
    then have different tests.
    """
    if isinstance(val, bytes) or (isinstance(val, str) and len(val) > LONGEST_NAME):
        return argname
    return None
