"""Webhooks: each change of the ban list as a signed POST. Receivers check it with `verify`."""

from streams.bans.hooks.signing import SignatureError, verify

__all__ = ["SignatureError", "verify"]
