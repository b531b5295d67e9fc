"""Text as arrays of code points."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

CodePoints = NDArray[np.uint32]
Positions = NDArray[np.int64]
Flags = NDArray[np.bool_]

SEPARATOR = 0
"""The code point between two joined texts. A NUL within a text folds to it too, and matches nothing."""


def encode_points(text: str) -> CodePoints:
    """`text` as code points; lone surrogates pass through."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


AFTER_LAST = 3
"""NULs that `joined_points` adds after the last text's own, for scans that look ahead."""


def joined_points(texts: Iterable[str]) -> CodePoints:
    """The texts as code points, with a SEPARATOR after each, and AFTER_LAST more at the end."""
    return encode_points("\0".join([*texts, "\0" * AFTER_LAST]))


def decode_points(codes: CodePoints) -> str:
    """The text of code points."""
    return codes.astype("<u4", copy=False).tobytes().decode("utf-32-le", "surrogatepass")
