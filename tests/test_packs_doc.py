"""docs/packs.md is true: the tutorial runs as it stands there, and every YAML block of the reference validates."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from rules.packs.schema import pack_schema
from streams.cli import warden

DOC = (Path(__file__).parents[1] / "docs" / "packs.md").read_text("utf-8")
REFERENCE, _, TUTORIAL = DOC.partition("\n## Tutorial")
_BLOCK = re.compile(r"(?:<!-- file: (\S+) -->\n)?```(\w+)\n(.*?)```", re.DOTALL)


class Block(NamedTuple):
    """A code block: the file that it is, if it is one, its language and its text."""

    file: str
    language: str
    text: str


def blocks(text: str) -> Iterator[Block]:
    for file, language, body in _BLOCK.findall(text):
        named = re.match(r"# (\S+\.(?:yaml|toml))\n", body)
        yield Block(file or (named[1] if named else ""), language, body)


def steps(block: Block) -> Iterator[tuple[str, str]]:
    """(command, what it prints) of a console block."""
    for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def printed(expected: str, found: str) -> bool:
    """Whether `found` is what the document says; `…` stands for anything, alone on a line for any lines."""
    lines = [re.escape(line) for line in expected.rstrip("\n").split("\n")]
    pattern = "\n".join(".*" if line == re.escape("…") else line.replace(re.escape("…"), "[^\n]*") for line in lines)
    return (
        re.fullmatch(pattern, "\n".join(line.rstrip() for line in found.rstrip("\n").split("\n")), re.DOTALL)
        is not None
    )


def run(command: str) -> str:
    program, *arguments = shlex.split(command)
    if program == "mkdir":
        Path(arguments[0]).mkdir()
        return ""
    assert program == "warden", command
    return CliRunner().invoke(warden, arguments).output


def labelled(path: Path) -> None:
    """Made-up rows of the kind that the tutorial shows two of."""
    bad = "招刷单员 日结兼职 足不出户赚钱 佣金秒结 宝妈学生均可 动动手指 垫付返现 无需经验 名额有限".split()
    good = (
        "今天天气真好 一起去公园散步 晚上吃什么 明天开会别迟到 孩子考试考得不错 周末去爬山吧 记得带伞 妈妈让你回家吃饭 "
        "加微信群一起跑步吧 每周三晚上七点 图书馆八点关门 这部电影值得一看 快递到了请签收 会议改到下午三点 "
        "新买的书很好看 谢谢老师的帮助 路上注意安全 医院明天上午复查 猫又把花瓶打碎了 地铁站见 菜谱发给你了 生日快乐 "
        "别信那些 他们都是骗子 银行下午五点关门 作业写完了吗 小区今晚停水 昨天的比赛太精彩了 机票已经订好 票在我这里"
    ).split()
    dice = random.Random(3)
    rows = []
    for number in range(1200):
        parts, clauses = (bad, ["fraud.1"]) if number % 4 == 0 else (good, [])
        text = "，".join(dice.sample(parts, dice.randint(2, 4)))
        row = {"id": f"r{number}", "task": "message", "source": "made-up", "clauses": clauses, "text": text}
        rows.append(json.dumps(row, ensure_ascii=False))
    path.write_text("\n".join(rows), "utf-8")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("WARDEN_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    labelled(tmp_path / "labelled.jsonl")
    return tmp_path


@pytest.mark.skipif(
    importlib.util.find_spec("sklearn") is None, reason="`warden learn` needs scikit-learn: pip install -e '.[learn]'"
)
def test_the_tutorial_runs_as_it_stands(folder: Path) -> None:
    ran = 0
    for block in blocks(TUTORIAL):
        if block.language == "console":
            for command, expected in steps(block):
                found = run(command)
                assert printed(expected, found), f"$ {command}\n{found}"
                ran += 1
        elif block.file:
            path = folder / block.file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")
    assert ran > 10


def test_every_yaml_block_of_the_tutorial_is_a_file(folder: Path) -> None:
    assert all(block.file for block in blocks(TUTORIAL) if block.language == "yaml")
    shutil.rmtree(folder)


@pytest.mark.parametrize("text", [block.text for block in blocks(DOC) if block.language == "yaml"])
def test_every_yaml_block_validates(text: str) -> None:
    document = yaml.load(text, Loader=yaml.CSafeLoader)
    if document is not None:
        jsonschema.Draft202012Validator(pack_schema()).validate(document)
