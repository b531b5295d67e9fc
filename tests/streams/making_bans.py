"""Ban list entries for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rules.decisions import Action, Ban, BanEntry

NOW = datetime.now(UTC)


def entry(action: Action = "ban_account", ends: datetime | None = None, ladder: str = "links") -> BanEntry:
    return BanEntry(
        action=action,
        ladder=ladder,
        rung=1,
        permanent=ends is None,
        starts=NOW - timedelta(days=1),
        ends=ends,
        clauses=["links.1"],
        enforcement=f"e-{action}-{ladder}",
    )


def ban(subject: str, *actions: Action, ends: datetime | None = None) -> Ban:
    return Ban(subject=subject, sanctions=[entry(action, ends) for action in actions], time=NOW)
