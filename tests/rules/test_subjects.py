"""Whom a violation is charged to: never the innocent that share a host, and one name for each of the guilty."""

from __future__ import annotations

import pytest

from rules.decisions import SUBJECT_KINDS, Action
from rules.events import MassSend, Post, Share
from rules.subjects import LANDS_ON, kind_of, sanctions_for, subjects_of
from tests.rules.making import mass_send, post, share


def subjects(event: Post | Share | MassSend, protected: str = "qq.com") -> set[str]:
    found = subjects_of(event, lambda host: host.domain == protected)
    assert all(kind_of(subject) == kind for kind, subject in found)
    return {subject for _, subject in found}


def test_a_text_is_charged_to_its_account() -> None:
    assert subjects(post("x")) == {"account:alice"}


def test_a_link_is_charged_with_its_domain() -> None:
    assert subjects(share("http://www.evil.com.cn/a#b")) == {
        "account:alice",
        "link:http://www.evil.com.cn/a",
        "domain:evil.com.cn",
    }


def test_every_link_of_an_event_is_charged_once() -> None:
    found = subjects_of(post("x", links=["http://evil.cn/", "HTTP://EVIL.cn", "http://b.cn/"]), lambda _: False)
    assert sorted(subject for _, subject in found) == [
        "account:alice",
        "domain:b.cn",
        "domain:evil.cn",
        "link:http://b.cn/",
        "link:http://evil.cn/",
    ]


def test_an_address_in_a_link_is_charged_as_an_ip() -> None:
    assert "ip:1.2.3.4" in subjects(share("http://1.2.3.4/x"))
    assert "ip:2001:db8::1" in subjects(share("http://[2001:DB8::1]/x"))


def test_a_page_is_charged_where_it_ended_and_who_serves_it() -> None:
    assert subjects(share("http://a.cn/", page={"final_url": "http://evil.cn/x", "ip": "5.6.7.8"})) == {
        "account:alice",
        "link:http://a.cn/",
        "domain:a.cn",
        "link:http://evil.cn/x",
        "domain:evil.cn",
        "ip:5.6.7.8",
    }


@pytest.mark.parametrize("ip", ["2001:DB8::1", "2001:db8:0:0:0:0:0:1", "2001:0db8::0001"])
def test_an_address_has_one_spelling_wherever_it_comes_from(ip: str) -> None:
    assert "ip:2001:db8::1" in subjects(share("http://evil.cn/", page={"ip": ip}))


def test_a_shortener_is_charged_as_a_link_only() -> None:
    assert subjects(share("http://t.cn/abc", page={"ip": "5.6.7.8"})) == {"account:alice", "link:http://t.cn/abc"}


def test_behind_a_shortener_the_final_page_is_charged() -> None:
    found = subjects(share("http://t.cn/abc", page={"final_url": "http://evil.cn/", "ip": "5.6.7.8"}))
    assert {"domain:evil.cn", "ip:5.6.7.8"} <= found
    assert "domain:t.cn" not in found


def test_a_protected_domain_is_charged_but_not_the_address_that_serves_it() -> None:
    assert subjects(share("http://mp.qq.com/s", page={"ip": "5.6.7.8"})) == {
        "account:alice",
        "link:http://mp.qq.com/s",
        "domain:qq.com",
    }


def test_who_serves_a_page_is_charged_by_where_the_page_ended() -> None:
    to_qq = share("http://evil.cn/", page={"final_url": "http://mp.qq.com/s", "ip": "5.6.7.8"})
    from_qq = share("http://mp.qq.com/s", page={"final_url": "http://evil.cn/", "ip": "5.6.7.8"})
    assert "ip:5.6.7.8" not in subjects(to_qq)
    assert "ip:5.6.7.8" in subjects(from_qq)
    assert {"domain:evil.cn", "domain:qq.com"} <= subjects(to_qq) & subjects(from_qq)


def test_the_author_of_a_post_is_not_charged_by_the_ip_it_was_sent_from() -> None:
    assert subjects(post("x", ip="5.6.7.8")) == {"account:alice"}


def test_an_application_is_charged_where_the_event_names_it() -> None:
    assert "app:wx1" in subjects(post("x", app="wx1"))
    assert "app:wx1" in subjects(share(app="wx1"))


def test_what_is_no_web_link_is_not_charged() -> None:
    assert subjects(mass_send("x", links=["javascript:alert(1)", "weixin://x", ""])) == {"account:alice"}


def test_the_accounts_that_a_mass_send_recommends_are_not_charged() -> None:
    assert subjects(mass_send("x", promotes=["bob"], copied_from="carol")) == {"account:alice"}


def test_a_long_link_has_a_bounded_name_that_still_tells_it_apart() -> None:
    long = "http://evil.cn/" + "x" * 8000
    one, two = subjects(share(long + "1")), subjects(share(long + "2"))
    assert max(len(subject) for subject in one) <= 2048
    assert one != two
    assert one == subjects(share(long + "1"))


@pytest.mark.parametrize("kind", SUBJECT_KINDS)
def test_the_kind_of_a_subject_stands_before_its_key(kind: str) -> None:
    assert kind_of(f"{kind}:a:b") == kind


@pytest.mark.parametrize("subject", ["", "alice", "user:alice", "Account:alice", ":x"])
def test_a_subject_of_no_kind_is_refused(subject: str) -> None:
    with pytest.raises(ValueError, match="is no subject"):
        kind_of(subject)


EGREGIOUS: tuple[Action, ...] = ("ban_account", "ban_domain", "ban_ip", "ban_share_api")


def test_each_sanction_lands_on_its_own_kind() -> None:
    landed = {kind: sanctions_for(kind, EGREGIOUS, owns_share_api=False) for kind in SUBJECT_KINDS}
    assert landed == {
        "account": ("ban_account",),
        "link": (),
        "domain": ("ban_domain",),
        "ip": ("ban_ip",),
        "app": ("ban_share_api",),
    }


def test_the_share_interface_of_an_event_without_application_is_the_accounts() -> None:
    assert sanctions_for("account", EGREGIOUS, owns_share_api=True) == ("ban_account", "ban_share_api")
    assert sanctions_for("link", ("suspend_share_api",), owns_share_api=True) == ()


def test_every_sanction_lands_somewhere() -> None:
    assert all(LANDS_ON.values())
