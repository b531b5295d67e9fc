"""The console's modules: they parse, import nothing that is not there, and their pure functions do what they say."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from streams.http.pages import static_files

PURE = Path(__file__).parents[1] / "browser" / "pure"
FILES = static_files()
MODULES = sorted(name for name in FILES if name.endswith(".js"))
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="needs Node.js 18 or newer: `apt-get install nodejs`")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The modules beside their tests, as Node.js wants them."""
    made = tmp_path_factory.mktemp("console")
    (made / "package.json").write_text('{"type": "module"}')
    for name in MODULES:
        (made / name).write_bytes(FILES[name].body)
    for test in PURE.glob("*.test.mjs"):
        shutil.copy(test, made)
    return made


def node(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    assert NODE is not None
    return subprocess.run([NODE, *arguments], cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@needs_node
def test_every_module_parses(folder: Path) -> None:
    script = (
        "const fs = require('fs'), vm = require('vm');"
        "for (const name of process.argv.slice(2)) new vm.SourceTextModule(fs.readFileSync(name, 'utf8'));"
    )
    (folder / "parse.cjs").write_text(script)
    done = node(folder, "--experimental-vm-modules", "parse.cjs", *MODULES)
    assert done.returncode == 0, done.stderr


@needs_node
def test_pure_functions(folder: Path) -> None:
    tests = sorted(path.name for path in folder.glob("*.test.mjs"))
    assert len(tests) >= 4
    done = node(folder, "--test", *tests)
    assert done.returncode == 0, done.stdout + done.stderr


def test_imports_are_there_and_only_from_here() -> None:
    for name in MODULES:
        text = FILES[name].body.decode()
        for found in re.findall(r"(?:from|import)\s*\(?\s*\"([^\"]+)\"", text):
            assert found.startswith("./"), f"{name} imports {found}"
            assert found[2:] in FILES, f"{name} imports {found}, which is not there"
    page = FILES["index.html"].body.decode()
    for found in re.findall(r"(?:src|href)=\"/console/([^\"]+)\"", page):
        assert found in FILES


def test_every_word_that_is_used_is_known() -> None:
    known = set(re.findall(r"\"([a-z_0-9]+\.[a-z_0-9.]+)\":", FILES["words-en.js"].body.decode()))
    used = {
        (name, key)
        for name in MODULES
        if not name.startswith("words-")
        for key in re.findall(r"\bt\(\"([^\"]+)\"", FILES[name].body.decode())
    }
    assert len(used) > 150
    assert [pair for pair in sorted(used) if pair[1] not in known] == []


def test_nothing_reads_markup_or_styles_from_strings() -> None:
    """Text becomes nodes by `append` and `textContent` alone; the content security policy would stop the rest."""
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|eval\(|new Function|srcdoc|setHTML|\bstyle:|"
        r"javascript:|createContextualFragment"
    )
    for name in MODULES:
        assert forbidden.findall(FILES[name].body.decode()) == [], name
    page = FILES["index.html"].body.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\bon\w+=", page)
