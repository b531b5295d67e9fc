"""Files that readers see whole: the old content or the new, never a part."""

import os
import tempfile
from pathlib import Path

_MODE = 0o644
"""Of a new file: the resolver or web server that reads it runs as another user."""


def write_if_changed(path: Path, content: bytes) -> bool:
    """Replaces the content of `path`, unless it is the same already; whether it was written.

    Written to a temporary file in the same folder, flushed to disk, then renamed; an existing file's permissions are
    kept. Raises OSError.
    """
    path = path.resolve()  # a link stays a link
    try:
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return False
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        mode = _MODE
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:100]}.", suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
    return True
