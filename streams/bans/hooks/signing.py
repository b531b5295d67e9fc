"""The signature of a webhook: HMAC-SHA256 over timestamp, a full stop and the body.

    Streamwarden-Timestamp   when it was sent, in whole seconds since 1970
    Streamwarden-Signature   v1= and the MAC in hexadecimal
    Idempotency-Key          the same for every attempt to deliver one change: topic, partition and offset

Only the standard library: a receiver may copy this file.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping

TIMESTAMP, SIGNATURE, IDEMPOTENCY_KEY = "Streamwarden-Timestamp", "Streamwarden-Signature", "Idempotency-Key"
WINDOW_S = 300.0
"""How far a delivery's timestamp may lie from the receiver's clock, either way, in seconds."""
MIN_SECRET = 16
"""Shortest secret in bytes."""
_VERSION = "v1="
_TIMESTAMP = re.compile(r"[0-9]{1,12}")


class SignatureError(ValueError):
    """The request is not from the holder of the secret, or is too old; answer it with 401 and do nothing else."""


def signature_headers(secret: bytes, body: bytes, now: float) -> dict[str, str]:
    """The two headers of a delivery that is sent at `now` (seconds since 1970). Raises ValueError: secret too short."""
    timestamp = str(int(now))
    return {TIMESTAMP: timestamp, SIGNATURE: _VERSION + _mac(secret, timestamp, body)}


def verify(secret: bytes, headers: Mapping[str, str], body: bytes, now: float, window_s: float = WINDOW_S) -> None:
    """Returns when `body`, the bytes as they came, was signed with `secret` within `window_s` seconds of `now`.

    `headers`: names in any case. Compared in constant time. Raises SignatureError otherwise, and ValueError when the
    secret is shorter than 16 bytes. Within the window a delivery may come again: keep the Idempotency-Key that was
    done last, as the sender may repeat it too.
    """
    found = {name.lower(): value for name, value in headers.items()}
    timestamp, signature = found.get(TIMESTAMP.lower(), ""), found.get(SIGNATURE.lower(), "")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SignatureError(f"no {TIMESTAMP} in whole seconds")
    expected = _VERSION + _mac(secret, timestamp, body)
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise SignatureError(f"{SIGNATURE} does not match")
    if abs(now - int(timestamp)) > window_s:
        raise SignatureError(f"{TIMESTAMP} is more than {window_s:g} s away from now")


def _mac(secret: bytes, timestamp: str, body: bytes) -> str:
    if len(secret) < MIN_SECRET:
        raise ValueError(f"the secret has {len(secret)} bytes; it needs {MIN_SECRET} or more")
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
