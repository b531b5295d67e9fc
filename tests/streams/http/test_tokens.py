"""Tokens: who has one, what ends it, and what a file of them may not be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import get_args

import pytest

from streams.http.tokens import INCLUDES, MAX_TOKEN, START, Role, Tokens, TokensError, entry_of, new_token

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def made(folder: Path, *entries: str) -> Tokens:
    file = folder / "tokens.toml"
    file.write_text("\n".join(entries))
    return Tokens(file)


def test_a_token_is_known_and_others_are_not(tmp_path: Path) -> None:
    token = new_token()
    tokens = made(tmp_path, entry_of("lin", "moderate", token), entry_of("wu", "read", new_token()))
    found = tokens.identify(token)

    assert found is not None
    assert (found.name, found.role) == ("lin", "moderate")
    assert tokens.still(found)
    for other in ("", "wrd_", token[:-1], token + "x", token.upper(), "x" * (MAX_TOKEN + 1), "\ud800", "令牌"):
        assert tokens.identify(other) is None


def test_tokens_have_256_bits_and_are_not_in_the_file() -> None:
    found = {new_token() for _ in range(100)}

    assert len(found) == 100
    assert all(token.startswith(START) and len(token) >= len(START) + 43 for token in found)
    token = found.pop()
    assert token not in entry_of("lin", "read", token)


def test_every_token_is_compared_in_constant_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = [new_token() for _ in range(3)]
    tokens = made(tmp_path, *(entry_of(f"n{number}", "read", token) for number, token in enumerate(given)))
    compared: list[tuple[bytes, bytes]] = []

    def compare(known: bytes, digest: bytes) -> bool:
        compared.append((known, digest))
        return known == digest

    monkeypatch.setattr("streams.http.tokens.hmac.compare_digest", compare)
    tokens.identify(given[0])
    assert [known for known, _ in compared] == [sha256(token.encode()).digest() for token in given]
    assert {digest for _, digest in compared} == {sha256(given[0].encode()).digest()}


def test_a_token_ends(tmp_path: Path) -> None:
    token = new_token()
    tokens = made(tmp_path, entry_of("lin", "read", token, NOW))
    before, after = NOW - timedelta(seconds=1), NOW

    found = tokens.identify(token, before)
    assert found is not None
    assert tokens.still(found, before)
    assert tokens.identify(token, after) is None
    assert not tokens.still(found, after)


def test_an_end_without_a_zone_is_utc(tmp_path: Path) -> None:
    token = new_token()
    entry = entry_of("lin", "read", token) + "expires = 2026-11-01T00:00:00\n"

    assert made(tmp_path, entry).identify(token, NOW) is None


def test_what_is_put_into_the_file_and_taken_out_of_it_counts(tmp_path: Path) -> None:
    first, second = new_token(), new_token()
    tokens = made(tmp_path, entry_of("lin", "read", first))
    was = tokens.identify(first)
    assert was is not None
    assert not tokens.reload()
    (tmp_path / "tokens.toml").write_text(entry_of("wu", "admin", second))

    assert tokens.reload()
    assert tokens.identify(first) is None
    assert not tokens.still(was)
    assert len(tokens) == 1
    assert tokens.identify(second) is not None


def test_another_role_for_the_same_token_ends_what_it_was(tmp_path: Path) -> None:
    token = new_token()
    tokens = made(tmp_path, entry_of("lin", "admin", token))
    was = tokens.identify(token)
    (tmp_path / "tokens.toml").write_text(entry_of("lin", "read", token))
    tokens.reload()

    assert was is not None
    assert not tokens.still(was)


def test_a_file_that_became_wrong_changes_nothing(tmp_path: Path) -> None:
    token = new_token()
    tokens = made(tmp_path, entry_of("lin", "read", token))
    (tmp_path / "tokens.toml").write_text("[[token]]\nname = 5\n")

    with pytest.raises(TokensError):
        tokens.reload()
    assert tokens.identify(token) is not None
    (tmp_path / "tokens.toml").unlink()
    with pytest.raises(TokensError, match="cannot be read"):
        tokens.reload()
    assert tokens.identify(token) is not None


GOOD = entry_of("lin", "read", "wrd_x")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[token", "no TOML"),
        (GOOD.replace('"read"', '"root"'), "read, moderate, admin, feed"),
        (GOOD + 'scope = "all"\n', "scope"),
        (GOOD.replace("sha256 = ", "token = "), "token"),
        (GOOD.replace('sha256 = "', 'sha256 = "00'), "64 hexadecimal"),
        ('[[token]]\nname = "lin"\nrole = "read"\nsha256 = "wrd_x"\n', "64 hexadecimal"),
        (GOOD.replace('"lin"', '""'), "name"),
        (GOOD.replace('"lin"', '"a\\nb"'), "name"),
        (GOOD.replace('"lin"', f'"{"x" * 101}"'), "name"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(TokensError) as found:
        made(tmp_path, text)
    assert said in str(found.value)
    assert str(tmp_path / "tokens.toml") in str(found.value)


def test_a_file_that_is_no_text_is_explained(tmp_path: Path) -> None:
    (tmp_path / "tokens.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(TokensError, match="UTF-8"):
        Tokens(tmp_path / "tokens.toml")


@pytest.mark.parametrize("name", ["", "a\nb", "x" * 101])
def test_no_entry_is_made_for_a_name_that_the_file_may_not_have(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        entry_of(name, "read", new_token())


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "林", "a # b", "emoji 🙂"])
def test_any_name_survives_the_file(tmp_path: Path, name: str) -> None:
    token = new_token()
    found = made(tmp_path, entry_of(name, "feed", token)).identify(token)

    assert found is not None
    assert found.name == name


def test_roles_include_what_they_should() -> None:
    roles: tuple[Role, ...] = get_args(Role)

    assert {role: sorted(INCLUDES[role]) for role in roles} == {
        "read": ["read"],
        "moderate": ["moderate", "read"],
        "admin": ["admin", "moderate", "read"],
        "feed": ["feed"],
    }
