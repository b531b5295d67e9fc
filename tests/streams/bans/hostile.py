"""Subjects and words as an attacker would choose them, for properties."""

from __future__ import annotations

from hypothesis import strategies as st

PIECES = (
    "evil.example",
    "\n", "\r\n", '"', "'", ";", "\\", "}", "{", "$", "#", "\x00", "\u202e", "\u2028", "\x85", " ", "\t",
    "default", "include /etc/passwd;", "~^.*$", "*", ".", "..", "@", "(", ")", "$INCLUDE /etc/passwd", ".example",
    "https://", "http://a.example/", "?a=b", "a\\", '\\"', "=1+1", ",", "�", "点", "xn--", "203.0.113.9", "2001:db8::1",
    "%0", "-", "_", "A", "0",
)  # fmt: skip

keys = st.lists(st.sampled_from(PIECES) | st.text(max_size=4), max_size=6).map("".join)
subjects = st.builds(
    "{}:{}".format,
    st.sampled_from(["account", "link", "domain", "ip", "app"]),
    keys | keys.map(lambda key: f"https://{key}") | keys.map(lambda key: f"{key}.example"),
).filter(lambda subject: subject.encode("utf-8", "ignore").decode() == subject)
lists = st.lists(subjects, max_size=12, unique=True)
