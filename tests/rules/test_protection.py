"""Whom no sanction lands on by itself: what many share, and what many follow."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

import pytest
from msgspec import structs

from rules.links import host_of, public_suffix
from rules.packs import SHIPPED, Pack, load_pack
from rules.packs.model import HostList, Limits, Protected
from rules.protection import Protection
from tests.rules.making import violation

LISTS = (
    HostList("official", frozenset({"qq.com", "docs.partner.example", "203.0.113.7", "[2001:db8::7]"}), protected=True),
    HostList("schools", frozenset({"edu.cn", "gov"}), protected=True),
    HostList("hosting", frozenset({"github.io", "cloud.example", "store.bucket.example"}), shared=True),
    HostList("both", frozenset({"amazonaws.com"}), protected=True),
    HostList("again", frozenset({"amazonaws.com"}), shared=True),
    HostList("named", frozenset({"named.example"})),
    HostList("plain", frozenset({"plain.example"})),
)
NETWORKS = tuple(map(ip_network, ("198.51.100.0/24", "2001:db8:1::/48")))


@pytest.fixture(scope="module")
def protection(tiny: Pack) -> Protection:
    protected = Protected(("named",), NETWORKS, frozenset({"bigbank"}), followers=1000, recipients=500)
    return Protection(replace(tiny, lists={found.name: found for found in LISTS}, limits=Limits(protected=protected)))


@pytest.fixture(scope="module")
def shipped() -> Pack:
    return load_pack(SHIPPED)


HELD = [
    ("domain:qq.com", "qq.com is on the list official"),
    ("domain:named.example", "named.example is on the list named"),
    # a block of the domain would hit the host on the list
    ("domain:partner.example", "partner.example holds docs.partner.example, which is on the list official"),
    ("domain:bucket.example", "bucket.example holds store.bucket.example, which is on the list hosting"),
    # below a protected host
    ("domain:pku.edu.cn", "pku.edu.cn is below edu.cn, which is on the list schools"),
    ("domain:nasa.gov", "nasa.gov is below gov, which is on the list schools"),
    # what others have names below
    ("domain:github.io", "github.io is on the list hosting"),
    ("domain:cloud.example", "cloud.example is on the list hosting"),
    ("domain:com.cn", "com.cn is a public suffix"),
    ("domain:blogspot.com", "blogspot.com is a public suffix"),
    ("domain:localhost", "localhost is a public suffix"),
    # addresses
    ("ip:203.0.113.7", "203.0.113.7 is on the list official"),
    ("ip:2001:db8::7", "2001:db8::7 is on the list official"),
    ("ip:198.51.100.9", "198.51.100.9 is in the protected network 198.51.100.0/24"),
    ("ip:::ffff:198.51.100.9", "::ffff:198.51.100.9 is in the protected network 198.51.100.0/24"),
    ("ip:2001:db8:1::9", "2001:db8:1::9 is in the protected network 2001:db8:1::/48"),
    ("account:bigbank", "the account is protected by name"),
]
NOT_HELD = [
    "domain:evil.cn",
    "domain:evil.example",
    "domain:plain.example",
    "domain:notqq.com",
    "domain:evil.github.io",
    "domain:evil.s3.amazonaws.com",
    "ip:203.0.113.8",
    "ip:198.51.101.9",
    "ip:not an address",
    "account:alice",
    "account:qq.com",
    # one link takes nothing from anybody else; an application is its owner's alone
    "link:http://qq.com/",
    "link:http://203.0.113.7/",
    "app:bigbank",
]


@pytest.mark.parametrize(("subject", "reason"), HELD)
def test_why_a_subject_is_protected(protection: Protection, subject: str, reason: str) -> None:
    assert protection.reason(subject, violation(subject=subject)) == reason


@pytest.mark.parametrize("subject", NOT_HELD)
def test_others_are_not(protection: Protection, subject: str) -> None:
    assert protection.reason(subject, violation(subject=subject)) is None


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("www.qq.com", True),
        ("x.evil.github.io", False),
        ("203.0.113.7", True),
        ("203.0.113.8", False),
        ("[2001:db8::7]", True),
        ("[2001:db8::8]", False),
    ],
)
def test_a_host_is_covered_by_its_domain_or_its_address(protection: Protection, host: str, *, covered: bool) -> None:
    assert protection.covers(host_of(host)) == covered


@pytest.mark.parametrize(
    ("followers", "recipients", "reason"),
    [
        (999, 499, None),
        (1000, 0, "the account has 1000 followers"),
        (0, 500, "the account sent to 500 recipients at once"),
        (2000, 2000, "the account has 2000 followers"),
    ],
)
def test_accounts_of_great_reach_wait_for_a_person(
    protection: Protection, followers: int, recipients: int, reason: str | None
) -> None:
    found = structs.replace(violation(), followers=followers, recipients=recipients)
    assert protection.reason("account:alice", found) == reason
    assert protection.reason("domain:evil.cn", found) is None


def test_without_limits_only_lists_and_public_suffixes_protect(tiny: Pack) -> None:
    protection = Protection(tiny)
    famous = structs.replace(violation(), followers=10**9, recipients=10**9)
    assert protection.reason("account:alice", famous) is None
    assert protection.reason("domain:qq.com", famous) == "qq.com is on the list own"
    assert protection.reason("domain:com.cn", famous) == "com.cn is a public suffix"


@pytest.mark.parametrize(
    ("host", "held"),
    [
        ("www.qq.com", True),
        ("www.beijing.gov.cn", True),
        ("www.alipay.com", True),
        ("bucket.oss-cn-hangzhou.aliyuncs.com", True),
        ("evil-1250000000.cos.ap-guangzhou.myqcloud.com", True),
        ("github.io", True),
        ("evil.github.io", False),
        ("evil.vercel.app", False),
        ("evil.pages.dev", False),
        ("evil.workers.dev", False),
        ("d111.cloudfront.net", False),
        ("evil.example", False),
    ],
)
def test_what_the_shipped_pack_protects(shipped: Pack, host: str, *, held: bool) -> None:
    subject = f"domain:{host_of(host).domain}"
    assert (Protection(shipped).reason(subject, violation(subject=subject)) is not None) == held


def test_only_lists_that_mean_it_protect_all_names_below_a_public_suffix(shipped: Pack) -> None:
    wide = {
        found.name
        for found in shipped.lists.values()
        if found.protected and any(public_suffix(host) == host for host in found.hosts)
    }
    assert wide == {"public_bodies", "trusted_senders"}


def test_addresses_of_content_networks_are_protected(shipped: Pack) -> None:
    reason = Protection(shipped).reason("ip:104.16.1.1", violation(subject="ip:104.16.1.1"))
    assert reason == "104.16.1.1 is in the protected network 104.16.0.0/13"
