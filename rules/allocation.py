"""Memory for the arrays of a batch."""

import numpy as np

_LARGEST = 31 << 20
"""Bytes, a little below the largest size that glibc learns from."""


def keep_memory() -> None:
    """Makes the C library keep the memory of arrays that are no longer used, for those of the next batch.

    glibc maps large arrays anew each time, and hands what is free at the top of the heap back to the system. Every
    page then costs a fault when it is next written: 1.4 µs for 4 KB on a virtual machine, some 4,000 of them in a batch
    of 4,096 texts. The sizes from which it does either grow with the largest mapped array that is freed (mallopt(3),
    M_MMAP_THRESHOLD: up to 32 MB, and twice that), so freeing a single one is enough. Other C libraries ignore it.
    """
    np.empty(_LARGEST, np.uint8)
