"""What targets that are files have in common."""


class FileTarget:
    """A file: it needs no heartbeat, and holds nothing open between two writes."""

    heartbeat_s: float | None = None
    ends_by_itself = False

    def close(self) -> None:
        """Does nothing."""
