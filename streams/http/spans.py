"""Lengths of time in words, Chinese and English."""

_UNITS = ((86_400_000, "天", "day"), (3_600_000, "小时", "hour"), (60_000, "分钟", "minute"), (1000, "秒", "second"))


def span_zh(millis: int | None) -> str:
    """为期 7 天; None is for good."""
    if millis is None:
        return "永久"
    number, zh, _ = _whole(millis)
    return f"为期 {number:g} {zh}"


def span_en(millis: int | None) -> str:
    """for 7 days; None is for good."""
    if millis is None:
        return "for good"
    number, _, en = _whole(millis)
    return f"for {number:g} {en}{'' if number == 1 else 's'}"


def _whole(millis: int) -> tuple[float, str, str]:
    """In the largest unit that leaves no rest."""
    for length, zh, en in _UNITS:
        if millis % length == 0 and millis:
            return millis // length, zh, en
    return millis / 1000, "秒", "second"
