"""Names of parametrized tests, and the order of all."""

from pathlib import Path

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


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What waits for brokers and browsers comes first, so that no process is left with a long file at the end."""
    items.sort(key=lambda item: not _waits(item.path))


def _waits(path: Path) -> bool:
    return not {"kafka", "browser"}.isdisjoint(path.relative_to(Path(__file__).parent).parts)
