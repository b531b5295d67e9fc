"""Packs as one value: every file they are made of, the same digest everywhere, and nothing that leads out."""

from __future__ import annotations

import zlib
from hashlib import blake2b
from pathlib import Path

import msgspec
import pytest

from rules.packs import SHIPPED, InvalidPackError, load_pack
from rules.packs.archive import Archive, ArchiveError, archived, unpacked
from rules.packs.diff import differences

OWN = """
pack: {name: ours, version: "3"}
include: ../common
lexicons: {listed: {file: words/some.txt}}
signals: {listed: {lexicon: listed}}
rules: {named: {clause: links.9.1, when: listed, hits: [虚构词], passes: [你好]}}
"""
COMMON = """
pack: {name: common, version: "1"}
clauses: {links.9.1: {title: {zh: 九, en: nine}, first: [stop_spread]}}
ladders: {l: {clauses: [links.9], window: 180d, grace: 1h, rungs: [{apply: first}]}}
"""


def write(folder: Path) -> Path:
    """A pack that includes another and reads a list of words."""
    (folder / "ours" / "words").mkdir(parents=True)
    (folder / "common").mkdir()
    (folder / "ours" / "pack.yaml").write_text(OWN, "utf-8")
    (folder / "ours" / "words" / "some.txt").write_text("虚构词\n", "utf-8")
    (folder / "ours" / "README").write_text("not read", "utf-8")
    (folder / "common" / "pack.yaml").write_text(COMMON, "utf-8")
    return folder / "ours"


def test_a_pack_reads_elsewhere_as_it_does_here(tmp_path: Path) -> None:
    archive = archived(write(tmp_path / "one"))
    assert sorted(archive.files) == ["common/pack.yaml", "ours/pack.yaml", "ours/words/some.txt"]
    there = unpacked(archive.packed(), archive.digest)
    assert there == archive
    loaded = there.load()
    assert loaded.label == "ours@3+common@1"
    assert differences(load_pack(tmp_path / "one" / "ours"), loaded) == []


def test_the_digest_is_that_of_the_files_wherever_they_lie(tmp_path: Path) -> None:
    first, second = archived(write(tmp_path / "one")), archived(write(tmp_path / "far" / "away"))
    assert first.digest == second.digest
    (tmp_path / "one" / "ours" / "words" / "some.txt").write_text("虚构词\n另一\n", "utf-8")
    assert archived(tmp_path / "one" / "ours").digest != first.digest


def test_what_is_shipped_goes_along(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "pack.yaml").write_text('pack: {name: mine, version: "1"}\ninclude: wechat\n', "utf-8")
    archive = archived(tmp_path / "mine")
    shipped = {str(path.relative_to(SHIPPED.parent)) for path in SHIPPED.rglob("*.yaml")}
    assert {path.removeprefix("@shipped/") for path in archive.files} - {"mine/pack.yaml"} >= shipped
    assert archive.load().label == load_pack(tmp_path / "mine").label


def test_an_include_by_an_absolute_path_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "pack.yaml").write_text(OWN.replace("../common", str(tmp_path / "common")), "utf-8")
    with pytest.raises(InvalidPackError, match="is included by an absolute path"):
        archived(folder).load()


def raw(folder: str, files: dict[str, str]) -> tuple[bytes, str]:
    data = msgspec.json.encode({"folder": folder, "files": files})
    return zlib.compress(data), blake2b(data, digest_size=16).hexdigest()


@pytest.mark.parametrize(
    "path", ["../out.yaml", "/etc/out.yaml", "a/../../out.yaml", "", "c:/out", "a\\..\\out", "a\0"]
)
def test_no_path_leads_out(path: str) -> None:
    with pytest.raises(ArchiveError, match="leads out"):
        unpacked(*raw("p", {path: "x"}))
    with pytest.raises(ArchiveError, match="leads out"):
        unpacked(*raw(path, {"p/pack.yaml": "x"}))


def test_other_bytes_are_refused() -> None:
    archive = Archive("p", {"p/pack.yaml": "x"})
    other, _ = raw("p", {})
    for data, why in (
        (b"", "too large, or cut off"),
        (b"junk", "cannot be decompressed"),
        (archive.packed()[:-4], "too large, or cut off"),
        (other, "its digest is"),
    ):
        with pytest.raises(ArchiveError, match=why):
            unpacked(data, archive.digest)
    data = b"[]"
    with pytest.raises(ArchiveError, match="it is no pack"):
        unpacked(zlib.compress(data), blake2b(data, digest_size=16).hexdigest())


def test_a_diff_names_what_differs_and_nothing_else(tmp_path: Path) -> None:
    old = load_pack(write(tmp_path / "old"))
    folder = write(tmp_path / "new")
    (folder / "pack.yaml").write_text(
        OWN.replace("when: listed", "when: listed, mode: shadow").replace("hits: [虚构词]", "hits: [虚构词, 说虚构词]"),
        "utf-8",
    )
    (folder / "words" / "some.txt").write_text("# moved\n虚构词\t2\n", "utf-8")
    common = COMMON.replace("rungs: [{apply: first}]", "rungs: [{apply: first}, {apply: first, for: 1d}]")
    (tmp_path / "new" / "common" / "pack.yaml").write_text(common + "lists: {more: {hosts: [a.example]}}\n", "utf-8")
    changes = differences(old, load_pack(folder))
    found = {(each.section, each.name, each.how): (each.removed, each.added) for each in changes}
    assert found == {
        ("ladders", "l", "changed"): ((), ("rungs[2].apply: first", "rungs[2].duration: 86400000")),
        ("lexicons", "listed", "changed"): (("entries: 虚构词",), ("entries: 虚构词 weight=2.0",)),
        ("lists", "more", "added"): (
            (),
            ("hosts: a.example", "brands: ", "protected: false", "shared: false"),
        ),
        ("rules", "named", "changed"): (
            ("mode: enforce",),
            ("mode: shadow", 'hits: {"type":"post","text":"说虚构词"}'),
        ),
    }
