"""Signatures of webhooks: what verifies, and what does not."""

from __future__ import annotations

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.bans.hooks import SignatureError, verify
from streams.bans.hooks.signing import signature_headers

SECRET = b"0123456789abcdef"
NOW = 1_800_000_000.0


def test_the_signature_is_what_the_document_says() -> None:
    mac = hmac.new(SECRET, b"1800000000.{}", hashlib.sha256).hexdigest()

    assert signature_headers(SECRET, b"{}", NOW + 0.9) == {
        "Streamwarden-Timestamp": "1800000000",
        "Streamwarden-Signature": f"v1={mac}",
    }


@given(st.binary(min_size=16), st.binary(), st.floats(-300, 300))
def test_what_was_signed_verifies_within_the_window(secret: bytes, body: bytes, drift: float) -> None:
    headers = signature_headers(secret, body, NOW)

    verify(secret, {name.upper(): value for name, value in headers.items()}, body, NOW + drift)


@given(st.binary(min_size=1), st.data())
def test_another_body_secret_or_time_does_not(body: bytes, data: st.DataObject) -> None:
    headers = signature_headers(SECRET, body, NOW)
    where = data.draw(st.integers(0, len(body) - 1))
    other = body[:where] + bytes([body[where] ^ 1]) + body[where + 1 :]

    for secret, changed, sent in (
        (SECRET, headers, other),
        (b"another secret !", headers, body),
        (SECRET, headers | {"Streamwarden-Timestamp": "1800000001"}, body),
    ):
        with pytest.raises(SignatureError, match="does not match"):
            verify(secret, changed, sent, NOW)


@pytest.mark.parametrize("drift", [-301, 301])
def test_outside_the_window_it_does_not(drift: int) -> None:
    with pytest.raises(SignatureError, match="away from now"):
        verify(SECRET, signature_headers(SECRET, b"{}", NOW), b"{}", NOW + drift)


@given(st.dictionaries(st.sampled_from(["streamwarden-timestamp", "Streamwarden-Signature", "x"]), st.text()))
def test_any_other_headers_are_refused_and_never_raise_anything_else(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureError):
        verify(SECRET, headers, b"{}", NOW)


def test_a_short_secret_is_an_error_on_both_sides() -> None:
    with pytest.raises(ValueError, match="needs 16 or more"):
        signature_headers(b"short", b"", NOW)
    with pytest.raises(ValueError, match="needs 16 or more"):
        verify(b"", signature_headers(SECRET, b"", NOW), b"", NOW)
