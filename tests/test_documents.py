"""Every command that README.md and docs/*.md show is run by a test, and every command that they name exists."""

from __future__ import annotations

import gzip
import importlib.util
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from streams.cli import warden
from tests.documented_commands import ELSEWHERE, NOT_RUN, OFFLINE, ONLINE, Step
from tests.documents import ROOT, RUN_BY_THEIR_OWN_TESTS, Shown, commands, mentioned, wrong_with
from tests.kafka.system import TINY
from tests.test_packs_doc import labelled

SHOWN = list(dict.fromkeys(commands()))
STEPS = {step.text: step for step in (*OFFLINE, *ONLINE)}
TIME = "2026-01-01T08:00:00Z"
EVENTS = [
    {"type": "post", "id": "p1", "account": "alice", "time": TIME, "text": "分享后查看答案"},
    {"type": "share", "id": "s1", "account": "bob", "time": TIME, "url": "https://fine.example/", "title": "你好"},
]


def test_every_command_is_run_or_says_why_not() -> None:
    known = [*STEPS, *ELSEWHERE, *NOT_RUN]

    assert {each.text for each in SHOWN} == set(known)
    assert len(known) == len(set(known)), "a command is in two tables"
    assert len(SHOWN) > 80


def test_a_new_command_in_a_document_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    block = "```\n$ echo x | warden judge -\nA_B=1 make chaos   why\n```\n"
    text = f"| new | `warden frobnicate` |\n\n{block}`warden in prose`\n"
    (tmp_path / "new.md").write_text(text)
    monkeypatch.setattr("tests.documents.ROOT", tmp_path)
    monkeypatch.setattr("tests.documents.DOCUMENTS", [tmp_path / "new.md"])

    assert [each.text for each in commands()] == ["warden judge -", "A_B=1 make chaos", "warden frobnicate"]
    assert [each.text for each in mentioned()] == ["warden frobnicate", "warden in prose"]


@pytest.mark.parametrize("shown", sorted({*SHOWN, *mentioned()}), ids=lambda shown: f"{shown.document}: {shown.text}")
def test_a_command_that_is_named_exists_with_its_options(shown: Shown) -> None:
    step = STEPS.get(shown.text, Step(shown.text))
    filled = shown.text if shown.text in NOT_RUN else step.run or step.text

    assert [wrong for command in filled.split(" && ") if (wrong := wrong_with(command))] == []


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("warden frobnicate", "no command"),
        ("warden packs frobnicate", "no command"),
        ("warden judge --frobnicate", "no option"),
        ("make frobnicate", "No rule"),
        ('make bench ARGS="--frobnicate"', "no option"),
        ("python -m benchmarks.frobnicate", "no module"),
        ("python -m chaos --frobnicate", "no option"),
        ("FROBNICATE=1 make chaos", "nothing reads FROBNICATE"),
        ("kubectl apply -k deploy/frobnicate", "there is no deploy/frobnicate"),
        ("kubectl rollout status statefulset/frobnicate", "no manifest has statefulset/frobnicate"),
    ],
)
def test_a_command_that_does_not_exist_is_noticed(text: str, wrong: str) -> None:
    assert wrong in wrong_with(text)


@pytest.mark.parametrize("document", ["docs/contributing.md", "docs/operations.md"])
def test_files_that_are_named_are_there(document: str) -> None:
    text = re.sub(r"```.*?```", "", (ROOT / document).read_text("utf-8"), flags=re.DOTALL)
    first = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and path.name[0] not in "._")
    named = re.findall(rf"`((?:{first})/[\w./*-]*)`", text)

    assert len(named) > 10
    assert [name for name in named if not list(ROOT.glob(name.rstrip("/")))] == []


@pytest.mark.parametrize(("text", "test"), ELSEWHERE.items())
def test_what_runs_a_command_elsewhere_is_there(text: str, test: str) -> None:
    file, _, name = test.partition("::")

    assert f"def {name}(" in (ROOT / file).read_text("utf-8")


def test_documents_with_tests_of_their_own_are_run_by_them() -> None:
    for document, test in RUN_BY_THEIR_OWN_TESTS.items():
        assert Path(document).name in (ROOT / test).read_text("utf-8")
        assert "```console" in (ROOT / document).read_text("utf-8")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the commands name."""
    made = tmp_path_factory.mktemp("documents")
    for name in ("A", "B", "packs/mine"):
        shutil.copytree(TINY, made / name)
    lines = "".join(json.dumps(event, ensure_ascii=False) + "\n" for event in EVENTS)
    (made / "events.jsonl").write_text(lines, "utf-8")
    packed(made / "events.jsonl.gz", lines)
    labelled(made / "labelled.jsonl")
    rows = (made / "labelled.jsonl").read_text("utf-8").replace("fraud.1", "links.6").replace("made-up", "telecom")
    packed(made / "labelled.jsonl.gz", rows)
    packed(made / "hosts.jsonl.gz", json.dumps({"id": "fine.example", "label": "benign"}))
    packed(made / "pages.jsonl.gz", json.dumps({"id": "p", "label": "ordinary", "html": "<p>你好</p>"}))
    (made / "good.jsonl").write_text("今天天气真好\n", "utf-8")
    (made / "accepted.tsv").write_text("# rule, key and reason\n")
    return made


def packed(path: Path, text: str) -> None:
    path.write_bytes(gzip.compress(text.encode()))


@pytest.mark.parametrize("step", OFFLINE, ids=lambda step: step.text)
def test_a_command_that_needs_no_broker_does_what_it_is_for(
    step: Step, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if " learn " in step.text and importlib.util.find_spec("sklearn") is None:
        pytest.skip("`warden learn` needs scikit-learn: pip install -e '.[learn]'")
    for name in [name for name in os.environ if name.startswith("WARDEN_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("WARDEN_PACK", str(TINY))  # the shipped one takes seconds to compile
    monkeypatch.chdir(folder)
    given = (folder / step.stdin).read_bytes() if step.stdin else None
    for line in step.commands():
        command, _, file = line.partition(" >> ")
        match shlex.split(command):
            case ["warden", *arguments]:
                found = CliRunner().invoke(warden, arguments, input=given)
                code, output = found.exit_code, found.output
            case [_, *arguments]:
                environment = os.environ | {"PYTHONPATH": str(ROOT)}
                done = subprocess.run(
                    [sys.executable, *arguments], capture_output=True, text=True, env=environment, check=False
                )
                code, output = done.returncode, done.stdout + done.stderr

        assert code == 0, output
        assert re.search(r"\w", output)
        if file:
            (folder / file).write_text(output, "utf-8")
