"""`warden appeal`, `reviews`, `sanction`, `clear`, `quota`: arguments and errors, and what is shown of hostile text."""

from __future__ import annotations

import getpass
import io
import re
import shlex
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from rules.decisions import BY_HAND, Ban, BanEntry, Enforcement, EventRef, Evidence, Lift, Notice, Violation
from rules.events import Appeal, Order, ReviewDecision
from rules.packs import load_pack
from streams.cli import warden
from streams.cli.deciding import quoted
from streams.cli.told import print_history, undo
from streams.embedded import free_port
from streams.lines import event_of, read_lines
from streams.ordering import canonical
from streams.refusals import Refused
from streams.subject_history import History
from tests.rules.making import TINY

Run = Callable[..., Result]
NOW = datetime.now(UTC)
WHY = ("--why", "looked at")


@pytest.fixture
def run() -> Run:
    """Runs a command where no broker listens."""
    environment = {"WARDEN_BOOTSTRAP": f"127.0.0.1:{free_port()}", "WARDEN_PACK": str(TINY)}

    def call(*arguments: str) -> Result:
        return CliRunner().invoke(warden, arguments, env=environment)

    return call


@pytest.mark.parametrize(
    "command", ["appeal", "sanction", "clear", "quota", "reviews", "reviews show", "reviews approve", "reviews reject"]
)
def test_each_command_shows_how_it_is_used(run: Run, command: str) -> None:
    result = run(*command.split(), "--help")
    assert result.exit_code == 0
    assert any(line.strip().startswith(f"warden {command}") for line in result.output.splitlines())
    assert "--json" in result.output


def documented() -> list[str]:
    """The commands of docs/moderation.md."""
    lines = (Path(__file__).parents[2] / "docs" / "moderation.md").read_text("utf-8").splitlines()
    return [line for line in lines if line.startswith("warden ")]


@pytest.mark.parametrize("command", documented())
def test_the_documented_commands_are_taken(run: Run, command: str) -> None:
    result = run(*shlex.split(command)[1:])
    assert result.exit_code == 1, result.output
    assert "no answer from Kafka" in result.output


def test_the_documented_events_are_valid() -> None:
    text = (Path(__file__).parents[2] / "docs" / "moderation.md").read_text("utf-8")
    (block,) = re.findall(r"```json\n(.*?)```", text, re.S)
    events = [event_of(line) for line in read_lines(io.BytesIO(re.sub(r",\n ", ", ", block).encode()), 10_000)]
    assert [type(event) for event in events] == [Appeal, ReviewDecision, Order]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("appeal", "e1", *WHY), "--overturn or --uphold"),
        (("appeal", "e1", "--overturn"), "--why"),
        (("appeal", "e1", "--overturn", "--why", "  "), "give a reason"),
        (("appeal", "e1", "--overturn", "--subject", "alice", *WHY), "account"),
        (("sanction", "user:alice", "ban_account", *WHY), "account"),
        (("sanction", "account:", "ban_account", *WHY), "behind the colon"),
        (("sanction", "account:alice", "ban_acount", *WHY), "ban_account"),
        (("sanction", "account:alice", "ban_domain", *WHY), "ban_domain does not land on an account"),
        (("clear", "domain:quiz.example", "suspend_account", *WHY), "block_access, ban_domain"),
        (("sanction", "account:alice", "warn", "--for", "7", *WHY), "12h or 7d"),
        (("sanction", "account:alice", "warn", "--for", "0d", *WHY), "12h or 7d"),
        (("sanction", "account:alice", "warn", "--for", "99999d", *WHY), "100 years"),
        (("sanction", "account:alice", "warn", "--for", "1d", "--until", "2030-01-01T00:00:00Z", *WHY), "exclude"),
        (("sanction", "account:alice", "ban_account", "--until", "2030-01-01", *WHY), "with a zone"),
        (("sanction", "account:alice", "ban_account", "--until", "2020-01-01T00:00:00Z", *WHY), "is over"),
        (("sanction", "domain:www.quiz.example", "ban_domain", *WHY), "say domain:quiz.example"),
        (("sanction", "link:HTTPS://Quiz.example", "stop_spread", *WHY), "say link:https://quiz.example/"),
        (("sanction", "account:a\nb", "ban_account", *WHY), "could not read this"),
        (("clear", "account:alice", "--by", "x" * 300, *WHY), "could not read this"),
        (("clear", "account:alice", "--id", "", *WHY), "could not read this"),
        (("clear", "account:alice", "--exempt-for", "soon", *WHY), "12h or 7d"),
        (("reviews", "--reason", "none"), "brigade"),
        (("reviews", "--all", "approve", "r1", *WHY), "go behind it"),
        (("quota", "--at", "noon"), "with a zone"),
        (("quota", "--pack", "/nowhere"), "the pack cannot be used"),
    ],
)
def test_what_was_asked_wrongly_is_told_apart(run: Run, arguments: tuple[str, ...], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2, result.output
    assert said in " ".join(result.output.split()), result.output


@pytest.mark.parametrize(
    "arguments",
    [
        ("appeal", "e1", "--uphold", *WHY),
        ("sanction", "account:alice", "warn", *WHY),
        ("clear", "account:alice", *WHY),
        ("reviews",),
        ("reviews", "show", "r1"),
        ("quota",),
    ],
)
def test_a_broker_that_does_not_answer_is_named(run: Run, arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.exit_code == 1
    assert "no answer from Kafka at 127.0.0.1" in result.output
    assert "Traceback" not in result.output


def test_whoever_has_no_login_name_must_say_who_decides(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr(getpass, "getuser", nobody)
    result = run("clear", "account:alice", *WHY)
    assert result.exit_code == 2
    assert "--by" in result.output


@pytest.mark.parametrize(
    ("subject", "usual"),
    [
        ("domain:Quiz.Example", "domain:quiz.example"),
        ("domain:a.b.quiz.example", "domain:quiz.example"),
        ("domain:quiz.example", "domain:quiz.example"),
        ("ip:2001:DB8::1", "ip:2001:db8::1"),
        ("ip:203.0.113.7", "ip:203.0.113.7"),
        ("link:https://quiz.example/a?b=1", "link:https://quiz.example/a?b=1"),
        ("link:mailto:a@quiz.example", "link:mailto:a@quiz.example"),
        ("account:Alice", "account:Alice"),
        ("app:wx123", "app:wx123"),
    ],
)
def test_the_usual_spelling_of_a_subject(subject: str, usual: str) -> None:
    assert canonical(subject) == usual


@pytest.mark.parametrize(
    "text", ["account:alice", "a b", "it's", "$(reboot)", "诱导", "x\u202ey", "a\x1b[2J'b\\", "\U000e0001"]
)
def test_a_word_of_a_command_is_the_same_behind_a_shell_and_hides_nothing(text: str) -> None:
    word = quoted(text)
    assert not {"\u202e", "\x1b", "\U000e0001"} & set(word)
    done = subprocess.run(
        ["bash", "-c", f"printf %s {word}"], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8", "PATH": "/bin"}
    )
    assert done.stdout.decode() == text


def entry(action: Any, ladder: str, enforcement: str) -> BanEntry:
    return BanEntry(
        action=action, ladder=ladder, rung=1, permanent=True, starts=NOW, ends=None, clauses=["links.1"],
        enforcement=enforcement,
    )  # fmt: skip


def appealed(enforcement: str, verdict: Any = "upheld", identity: str = "a1") -> Appeal:
    return Appeal(
        id=identity, subject="account:alice", enforcement=enforcement, verdict=verdict, moderator="lin", reason="seen",
        time=NOW,
    )  # fmt: skip


def history(*entries: BanEntry) -> History:
    return History("account:alice", Ban(subject="account:alice", sanctions=list(entries), time=NOW))


def test_what_is_in_force_is_undone_ladder_by_ladder() -> None:
    found = history(
        entry("suspend_account", "sharing", "e1"), entry("suspend_share_api", "sharing", "e2"),
        entry("ban_account", "fraud", "e3"), entry("ban_account", BY_HAND, "e4"),
        entry("suspend_account", BY_HAND, "e5"),
    )  # fmt: skip
    assert undo(found, NOW) == [f"warden appeal {identity} --overturn --why …" for identity in ("e1", "e3", "e4", "e5")]


def test_where_a_verdict_is_final_an_order_undoes() -> None:
    found = history(entry("suspend_account", "sharing", "e1"))
    verdict = appealed("e1")
    found.entries = [verdict]
    assert undo(found, NOW) == ["warden clear account:alice suspend_account --why …"]
    found.refused["a1"] = Refused(verdict, "unknown_enforcement", "")  # then there is no verdict
    assert undo(found, NOW) == ["warden appeal e1 --overturn --why …"]
    assert undo(History("account:alice"), NOW) == []


def test_who_decided_what_and_why_is_told_and_hostile_text_does_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\x1b[2J[red]\u202e坏"
    found = history(entry("suspend_account", BY_HAND, "e9"))
    order = Order(
        id="o1", subject="account:alice", do="sanction", action="suspend_account", moderator="lin" + hostile,
        reason="rumours" + hostile, time=NOW,
    )  # fmt: skip
    made = Enforcement(
        id="e9", subject="account:alice", action="suspend_account", ladder=BY_HAND, rung=0, permanent=True, starts=NOW,
        ends=None, clauses=[], rule="", violations=["v1"], evidence=[], notice=Notice("", ""), pack="p@1", time=NOW,
        previous=None, because="o1",
    )  # fmt: skip
    charge = Violation(
        id="v1", cause="00" * 16, event=EventRef("s" + hostile, "share"), subject="account:alice", clause="links.1",
        rule="sharing.unlock", mode="enforce", severity="ordinary", evidence=[Evidence("x", "title", hostile)],
        time=NOW, pack="p@1", linked=["domain:quiz.example"],
    )  # fmt: skip
    lift = Lift(
        id="l1", subject="account:alice", action="ban_account", ladder="fraud", enforcement="e3", because="a1",
        moderator="wang", reason="wrong" + hostile, rules=["fraud.prize"], pack="p@1", time=NOW,
    )  # fmt: skip
    refused = appealed("e0", "overturned", "a2")
    found.entries = [charge, order, made, lift, refused]
    found.refused["a2"] = Refused(refused, "unknown_enforcement", "account:alice has none 'e0'" + hostile)
    print_history(found, NOW + timedelta(seconds=1), load_pack(TINY))
    out = capsys.readouterr().out
    plain = " ".join(out.replace("│", " ").split())
    assert "by a moderator's order" in plain
    assert "order by lin" in plain
    assert "rumours" in plain
    assert "also charged: domain:quiz.example" in plain
    assert "against fraud.prize" in plain
    assert "REFUSED (unknown_enforcement)" in plain
    assert "to undo: warden appeal e9 --overturn" in plain
    assert not {"\x1b", "\u202e"} & set(out)
    assert "[red]" in out


def test_a_command_to_undo_is_one_that_warden_takes(run: Run) -> None:
    found = history(entry("ban_account", "fraud", "e3"), entry("suspend_account", "sharing", "e1"))
    found.entries = [appealed("e1")]
    for command in undo(found, NOW):
        result = run(*shlex.split(command)[1:])
        assert result.exit_code == 1  # there is no broker
        assert "no answer from Kafka" in result.output
