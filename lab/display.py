"""Hostile text made harmless to show: in a terminal, in a line of a file, in Markdown."""

import unicodedata

from rules.events import Content, MassSend, Post, Share

MAX_SHOWN = 160
"""Longest text shown, in characters."""
_HIDDEN = frozenset(("Cc", "Cf", "Cs", "Co", "Zl", "Zp"))
"""Control characters, bidi and other format marks, lone surrogates, private use, line breaks."""


def shown(text: str, limit: int = MAX_SHOWN) -> str:
    """At most `limit` characters of `text` in one line, with no character that hides, reorders or commands: such ones
    are written as `\\u202e`; line breaks and tabs become spaces. `…` says that something was cut off."""
    cut = text[:limit]
    line = "".join(map(_visible, cut))
    return line + "…" if len(text) > limit else line


def _visible(character: str) -> str:
    if character in "\n\r\t\v\f\u2028\u2029\x85":
        return " "
    if unicodedata.category(character) not in _HIDDEN:
        return character
    point = ord(character)
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def code_span(text: str, limit: int = MAX_SHOWN) -> str:
    """`text` as a Markdown code span: within one nothing is a link, an image, HTML or a mention.

    Its fence is longer than any run of backticks inside. Not for cells of tables, which `|` would end.
    """
    line = shown(text, limit)
    fence, run = 0, 0
    for character in line:
        run = run + 1 if character == "`" else 0
        fence = max(fence, run)
    ticks = "`" * (fence + 1)
    return f"{ticks} {line} {ticks}" if line.strip() else f"{ticks}(empty){ticks}"


def text_of(event: Content) -> str:
    """What an event says, in one string as it came: its link, titles and texts, `|` between. HTML is left out."""
    match event:
        case Share(page=page):
            parts = [event.url, event.title, event.desc, *([page.title, page.text] if page is not None else [])]
        case Post() | MassSend():
            parts = [event.title, event.text]
    return " | ".join(part for part in parts if part)
