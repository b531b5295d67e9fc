"""Files that are replaced whole, and what nobody can write into them: every format is read back by a parser."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import dns.rdatatype
import dns.zone
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.decisions import Ban
from streams.bans.export.atomic import write_if_changed
from streams.bans.export.names import address_in, domain_in, link_in
from streams.bans.export.nginx import NginxKind, NginxMap, quoted, render
from streams.bans.export.rpz import RpzZone, next_serial
from streams.bans.export.tables import COLUMNS, CsvTable, JsonLines
from streams.bans.export.targets import ExportError, Snapshot
from streams.bans.table import ACTIONS
from tests.streams.bans.hostile import lists
from tests.streams.making_bans import NOW, ban, entry

KINDS: tuple[NginxKind, ...] = ("domain", "ip", "link")


def snapshot(subjects: Sequence[str]) -> Snapshot:
    bans = {subject: ban(subject, "ban_domain", "block_access") for subject in subjects}
    return Snapshot(bans, NOW, None, NOW.timestamp())


def nginx_words(text: str) -> list[list[str]]:
    """The statements of a file of quoted words, as nginx reads them. Raises ValueError for anything else."""
    body = "".join(line for line in text.splitlines(keepends=True) if not line.startswith("#"))
    statement = r'("(?:[^"\\\x00-\x1f\x7f-\U0010ffff]|\\["\\])*") ("[a-z_,]*");\n'
    if not re.fullmatch(f"(?:{statement})*", body):
        raise ValueError(body)
    return [[re.sub(r"\\(.)", r"\1", word[1:-1]) for word in found] for found in re.findall(statement, body)]


def test_a_file_is_written_whole_and_only_when_it_differs(tmp_path: Path) -> None:
    path = tmp_path / "a.map"

    assert write_if_changed(path, b"one")
    inode = path.stat().st_ino
    assert not write_if_changed(path, b"one")
    assert path.stat().st_ino == inode
    assert write_if_changed(path, b"two")
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"two", ["a.map"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_permissions_stay_and_a_link_stays_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "link"
    path.write_bytes(b"old")
    path.chmod(0o640)
    link.symlink_to(path)

    write_if_changed(link, b"new")

    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode), link.is_symlink()) == (b"new", 0o640, True)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ExportError, match="No space left on device"):
        CsvTable(path).publish(snapshot(["account:a"]))
    assert (path.read_bytes(), os.listdir(tmp_path)) == (b"old", ["a"])


@pytest.mark.parametrize(
    ("subject", "name"),
    [
        ("domain:evil.example", "evil.example"),
        ("domain:xn--6qqa088eba.example", "xn--6qqa088eba.example"),
        ("domain:example", None),
        ("domain:Evil.example", None),
        ("domain:a..example", None),
        ("domain:evil.example.", None),
        ("domain:1.2.3.4", None),
        (f"domain:{'a' * 64}.example", None),
        ("account:evil.example", None),
    ],
)
def test_which_domains_are_names(subject: str, name: str | None) -> None:
    assert domain_in(subject) == name


def test_which_addresses_and_links_are_taken() -> None:
    assert address_in("ip:2001:DB8:0::1") == "2001:db8::1"
    assert address_in("ip:fe80::1%eth0;") is None
    assert address_in("ip:203.0.113.9/8") is None
    assert link_in('link:https://a.example/?q="') == 'https://a.example/?q="'
    assert link_in("link:https://a.example/点") is None
    assert link_in("link:https://a.example/" + "a" * 2000) is None


@given(lists, st.sampled_from(KINDS))
def test_nothing_breaks_out_of_an_nginx_map(subjects: list[str], kind: NginxKind) -> None:
    wanted = [subject for subject in subjects if NginxMap(Path("unused"), kind).wants(subject)]

    content, entries, skipped = render(snapshot(wanted).bans, NOW, kind, ACTIONS)

    words = nginx_words(content.decode("ascii"))
    assert len(words) == entries
    assert len({key for key, _ in words}) == entries
    known = {f".{domain_in(each)}" for each in wanted} | {address_in(each) for each in wanted}
    known |= {(link_in(each) or "").lower() for each in wanted}
    assert {key for key, _ in words} <= known
    assert {value for _, value in words} <= {"ban_domain,block_access"}
    assert entries + skipped <= len(wanted)


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126)))
def test_an_nginx_string_is_read_as_what_it_was(text: str) -> None:
    assert nginx_words(f'{quoted(text)} "a";\n') == [[text, "a"]]


def test_links_that_nginx_cannot_tell_apart_are_one_entry() -> None:
    both = {
        each: ban(each, action)
        for each, action in (("link:https://a.example/A", "stop_spread"), ("link:https://a.example/a", "ban_domain"))
    }

    content, entries, _ = render(both, NOW, "link", ACTIONS)

    assert nginx_words(content.decode()) == [["https://a.example/a", "ban_domain,stop_spread"]]
    assert entries == 1


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed: apt-get install nginx-light")
@settings(max_examples=15, deadline=None)
@given(lists)
def test_nginx_itself_takes_the_files(subjects: list[str]) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        subjects = [*subjects, 'link:https://a.example/?\\"$x;{}', "domain:evil.example", "ip:203.0.113.9"]
        for kind in KINDS:
            target = NginxMap(folder / f"{kind}.map", kind)
            target.publish(snapshot([subject for subject in subjects if target.wants(subject)]))
        (folder / "nginx.conf").write_text(
            f"pid {folder}/pid; error_log stderr; events {{}} http {{ access_log off; map_hash_bucket_size 4096;\n"
            f"map $host $a {{ hostnames; default ''; include {folder}/domain.map; }}\n"
            f"geo $b {{ default ''; include {folder}/ip.map; }}\n"
            f"map $arg_url $c {{ default ''; include {folder}/link.map; }}\n"
            f"{'client_body_temp_path ' + str(folder)}; proxy_temp_path {folder}; fastcgi_temp_path {folder};\n"
            f"uwsgi_temp_path {folder}; scgi_temp_path {folder}; }}"
        )
        command = ["nginx", "-t", "-e", "stderr", "-p", name, "-c", str(folder / "nginx.conf")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@settings(deadline=None)
@given(lists, st.sampled_from([None, "blocked.example"]))
def test_nothing_breaks_out_of_a_zone(subjects: list[str], redirect: str | None) -> None:
    with tempfile.TemporaryDirectory() as name:
        path = Path(name, "zone")
        target = RpzZone(path, zone="rpz.example", redirect=redirect)
        wanted = [subject for subject in subjects if target.wants(subject)]
        done = target.publish(snapshot(wanted))
        zone = dns.zone.from_file(str(path), origin="rpz.example.", relativize=True)

    found = {str(owner): str(data.target) for owner, _, data in zone.iterate_rdatas(dns.rdatatype.CNAME)}
    names = {domain_in(subject) for subject in wanted} - {None}
    assert set(found) == names | {f"*.{each}" for each in names}
    assert set(found.values()) <= {"." if redirect is None else "blocked.example."}
    assert done.entries + done.skipped == len(wanted)


def test_a_serial_grows_with_each_change_and_only_then(tmp_path: Path) -> None:
    now = [1_800_000_000.0]
    target = RpzZone(tmp_path / "zone", zone="rpz.example", clock=lambda: now[0])

    def serial() -> int:
        zone = dns.zone.from_file(str(tmp_path / "zone"), origin="rpz.example.")
        return int(zone.get_soa().serial)

    assert target.publish(snapshot(["domain:a.example"])).changed
    assert serial() == 1_800_000_000
    now[0] += 60
    assert not target.publish(snapshot(["domain:a.example"])).changed
    assert serial() == 1_800_000_000
    now[0] -= 600  # a clock that was set back
    assert target.publish(snapshot(["domain:b.example"])).changed
    assert serial() == 1_800_000_001


def test_a_serial_goes_on_past_32_bits() -> None:
    assert next_serial(None, 5.0) == 5
    assert next_serial((1 << 32) - 1, 4_000_000_000.0) == 1
    assert next_serial(100, (1 << 32) + 200.0) == 200


def test_a_name_that_does_not_fit_in_front_of_the_zone_is_left_out(tmp_path: Path) -> None:
    long = ".".join(["a" * 60] * 4)
    done = RpzZone(tmp_path / "zone", zone="rpz.example").publish(snapshot([f"domain:{long}", "domain:b.example"]))

    assert (done.entries, done.skipped) == (1, 1)


def test_a_zone_or_redirect_that_is_no_name_is_refused(tmp_path: Path) -> None:
    for wrong in ({"zone": "rpz.example.\n"}, {"redirect": "a b.example"}):
        with pytest.raises(ValueError, match="is no host name"):
            RpzZone(tmp_path / "zone", **wrong)  # type: ignore[arg-type]


@given(lists)
def test_a_line_of_a_table_is_an_entry_to_any_reader(subjects: list[str]) -> None:
    bans = {each: Ban(subject=each, sanctions=[entry("ban_domain")], time=NOW) for each in subjects}
    with tempfile.TemporaryDirectory() as name:
        CsvTable(Path(name, "csv")).publish(Snapshot(bans, NOW, None, 0.0))
        JsonLines(Path(name, "jsonl")).publish(Snapshot(bans, NOW, None, 0.0))
        table, lines = Path(name, "csv").read_bytes().decode(), Path(name, "jsonl").read_bytes().decode()

    rows = list(csv.reader(io.StringIO(table)))
    assert (tuple(rows[0]), len(rows)) == (COLUMNS, 1 + len(subjects))
    assert len(table.splitlines()) == len(rows)
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row)
    assert [json.loads(line)["subject"] for line in lines.splitlines()] == sorted(subjects)
    assert lines.isascii()


def test_what_has_ended_is_in_no_file(tmp_path: Path) -> None:
    over = {"domain:a.example": ban("domain:a.example", "ban_domain", ends=NOW - timedelta(seconds=1))}
    for target in (
        CsvTable(tmp_path / "c"),
        JsonLines(tmp_path / "j"),
        NginxMap(tmp_path / "n"),
        RpzZone(tmp_path / "r"),
    ):
        assert target.publish(Snapshot(over, NOW, None, 0.0)).entries == 0
        assert b"a.example" not in (tmp_path / type(target).__name__[0].lower()).read_bytes()


def test_only_the_actions_that_are_asked_for_are_written(tmp_path: Path) -> None:
    one = Snapshot({"domain:a.example": ban("domain:a.example", "block_access")}, NOW, None, 0.0)

    assert NginxMap(tmp_path / "n", actions=("ban_domain",)).publish(one).entries == 0
    assert CsvTable(tmp_path / "c", actions=("block_access",)).publish(one).entries == 1
