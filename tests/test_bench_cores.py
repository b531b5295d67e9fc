"""The cores of a benchmark: the measured process is alone on one, whoever asks and whenever."""

import os

import pytest

from benchmarks.machine import cores, on_cores


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no core affinity")
def test_the_cores_are_those_of_before_anything_was_pinned() -> None:
    usable = os.sched_getaffinity(0)
    if len(usable) == 1:
        pytest.skip("this machine has one core")
    with on_cores(cores().rest):
        assert os.sched_getaffinity(0) == set(cores().rest)
        assert set(cores().measured).isdisjoint(cores().rest)
        with on_cores(cores().measured):
            assert os.sched_getaffinity(0) == set(cores().measured)
    assert os.sched_getaffinity(0) == usable
