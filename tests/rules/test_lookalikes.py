"""Hosts that pass for a protected brand, hosts of the brand itself, and hosts that only sound like it."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules import facts
from rules.lookalikes import Brands
from rules.misspellings import is_misspelling, is_pinyin
from rules.packs import SHIPPED, load_pack

CORPUS = Path(__file__).parents[3] / "shared" / "corpora" / "hosts.jsonl.gz"
OFFICIAL = frozenset({"qq.com", "weixin.com", "weixin110.com", "taobao.com", "amazon.co.uk", "vip.com", "cctv.com"})
NAMES = ["weixin", "wechat", "qq", "taobao", "amazon", "cctv"]
BRANDS = Brands(OFFICIAL, NAMES)


@pytest.mark.parametrize(
    "name",
    [
        "qq.com.evil.cn",
        "aq.qq.com.evil.cn",
        "weixin.com-login.cn",
        "weixin.com.verify.evil.cn",
        "item.taobao.com-cart.cn",
        "www-weixin-qq-com.evil.top",
        "weixin-pay.cn",
        "weixin-pay.shop.cn",
        "weixin.net",
        "weixin2019.cn",
        "myweixinpay.cn",
        "weixln.cn",
        "wiexin.cn",
        "weixxin.cn",
        "we1xin.cn",
        "weix1n.net",
        "vveixin.cn",
        "qq-login.cn",
        "login-qq.evil.cn",
        "qq.evil.cn",
        "qq.net",
        "qq2009vip.cn",
        "qqvipvip.org",
        "qqanquan.cn",
        "93wxqq7.cn",
        "cctv7-28.cn",
        "cctv.tk",
        "amaz0n.com",
        "arnazon.com",
        "amazom.com",
        "amzaon.com",
        "amazon-refund.com",
        "amazonprime.xyz",
        "mytaobaoshop.cn",
        "taobao.xyz",
        "weíxin.com".encode("idna").decode(),
        "wеiхin.cn".encode("idna").decode(),  # Cyrillic е and х
        "аmazon.com".encode("idna").decode(),
    ],
)
def test_a_host_that_passes_for_the_brand_is_a_look_alike(name: str) -> None:
    assert BRANDS.resembles(name)


@pytest.mark.parametrize(
    "name",
    [
        "qq.com",
        "v.qq.com",
        "mp.weixin.com",
        "weixin110.com",
        "www.amazon.co.uk",
        "evil.cn",
        "aqq.cn",
        "yhqq.com",
        "qqmusic.cn",
        "kqq7.com",
        "1.2.3.4",
        "[::1]",
        "localhost",
        "com.cn",
        "wei.cn",
        "vip.com.cn",  # its suffix is com.cn: vip.com does not stand within
        "weixin.gov.cn",
        "qq.edu.cn",
        "amazonas.gov.br",
        "weixin.shop.cn",  # where a shop's pages for the platform stand
        "haoweixin.com",
        "weixinkaifa.com",
        "weixiu.com",  # repairs
        "weixing.com",  # satellites
        "meixin.com",
        "gaobao.com",
        "example.com",
    ],
)
def test_the_brand_itself_and_others_are_no_look_alikes(name: str) -> None:
    assert not BRANDS.resembles(name)


NAME = st.text("abeinotwxq01-", min_size=1, max_size=12).filter(lambda label: label.strip("-") == label)


@given(st.lists(NAME, min_size=0, max_size=3), st.sampled_from(sorted(OFFICIAL)))
def test_nothing_below_an_official_host_is_a_look_alike(labels: list[str], official: str) -> None:
    assert not BRANDS.resembles(".".join([*labels, official]))


@given(st.lists(NAME, min_size=0, max_size=2), st.sampled_from(sorted(OFFICIAL)), NAME)
def test_an_official_host_within_another_is_a_look_alike(before: list[str], official: str, domain: str) -> None:
    assert BRANDS.resembles(".".join([*before, official, f"{domain}.cn"]))


@given(st.text("abeiqnotwx.-_01[]:%é微", max_size=80))
def test_any_name_is_judged_and_never_an_error(name: str) -> None:
    assert BRANDS.resembles(name) in {True, False}


@given(st.sampled_from(["weixin", "taobao", "amazon", "wechat"]), st.data())
def test_a_doubled_letter_or_two_swapped_ones_misspell_a_name(name: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(name) - 2))
    for word in (name[:at] + name[at] + name[at:], name[:at] + name[at + 1] + name[at] + name[at + 2 :]):
        assert word == name or is_misspelling(word, name) or is_pinyin(word)


@pytest.mark.parametrize("word", ["weixin", "taobao", "zhongguo", "xian", "e", "nve", "shuangcheng"])
def test_chinese_words_are_pinyin(word: str) -> None:
    assert is_pinyin(word)


@pytest.mark.parametrize("word", ["", "amazon", "wechat", "weixxin", "wiexin", "zzz", "a" * 100])
def test_other_words_are_not(word: str) -> None:
    assert not is_pinyin(word)


@cache
def _shipped() -> Brands:
    return facts.Tests(load_pack(SHIPPED)).brands


OWN = """
mp.weixin.qq.com pay.weixin.qq.com res.wx.qq.com mmbiz.qpic.cn wx.qlogo.cn support.weixin.com open.wechat.com
www.tencent.com cloud.tencent.com x.cos.ap-beijing.myqcloud.com badjs.weixinbridge.com servicewechat.com tenpay.com
weiyun.com foxmail.com 3366.com qqgame.com imqq.com qq.com.cn aws.amazon.com www.amazon.co.jp m.media-amazon.com
s3.amazonaws.com item.taobao.com render.alipay.com tv.cctv.com www.icbc.com.cn cmbchina.com weixin.sogou.com
weixin.10086.cn
""".split()


@pytest.mark.parametrize("name", OWN)
def test_no_host_of_a_shipped_brand_is_a_look_alike(name: str) -> None:
    assert not _shipped().resembles(name)


@pytest.mark.skipif(not CORPUS.exists(), reason="needs ../shared/corpora/hosts.jsonl.gz, which is not here")
def test_the_shipped_brands_on_labelled_hosts() -> None:
    found: dict[str, list[bool]] = defaultdict(list)
    with gzip.open(CORPUS, "rt", encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            found[row["label"]].append(_shipped().resembles(row["id"]))
    rates = {label: sum(hits) / len(hits) for label, hits in found.items()}
    assert rates["official"] == 0
    assert rates["benign"] <= 0.001
    assert rates["bad_lookalike"] >= 0.93
