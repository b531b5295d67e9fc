"""Folding reads words that are written otherwise, and leaves look-alikes that mean what they say."""

from __future__ import annotations

import pytest

from rules.folding.parts import parts
from rules.folding.variants import variants
from rules.text import fold, fold_batch


def quote(text: str, word: str) -> str:
    """What is quoted as evidence for `word`, found in the folded form of `text`."""
    folded = fold_batch(["前文", text, "后文"])
    at = int(folded.bounds[1]) + folded.text(1).index(word)
    start, end = folded.original_span(at, at + len(word), 1)
    return text[start:end]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        # split characters
        ("讠正件", "证件"),
        ("办讠正刻章", "办证刻章"),
        ("贷欠", "贷欠"),
        ("无抵扌甲亻言用贷款", "无抵押信用贷款"),
        ("你女子，加我微亻言", "你好,加我微信"),
        ("弓长经理办讠正", "张经理办证"),
        ("水去院传票", "水去院传票"),  # a single one, of words: not sure enough
        ("氵去阝完传票", "法院传票"),
        # by sound and by shape
        ("薇信", "微信"),
        ("徽信号", "微信号"),
        ("睹博网站", "赌博网站"),
        ("投柱平台", "投注平台"),
        ("懊门威尼撕人", "澳门威尼斯人"),
        ("支付寳", "支付宝"),
        ("首页登彔", "首页登录"),
        ("转帐", "转账"),
        # contacts
        ("加V", "加微信"),
        ("加v：abc12345", "加微信:abc12345"),
        ("加 V 详聊", "加微信详聊"),
        ("+扣12345678", "+qq12345678"),
        ("加扣扣", "加qq"),
        ("佳威信聊", "加微信聊"),
        ("嘉微信", "加微信"),
        ("威信：abc12345", "微信:abc12345"),
        ("扣：12345678", "qq:12345678"),
        ("🇼🇽号", "微信号"),
        # pinyin and letters
        ("weixin", "微信"),
        ("wēi xìn", "微信"),
        ("WeiXin号", "微信号"),
        ("微xin", "微信"),
        ("wei信", "微信"),
        ("dai款", "贷款"),
        ("贷kuanfu务", "贷款服务"),
        ("提供daikuanfuwu", "提供贷款服务"),
        ("点击dianjihttp://a.example", "点击点击http://a.example"),
        ("jia wei xin", "加微信"),
        ("银xing卡", "银行卡"),  # 行 as it sounds alone
        ("银hang卡", "银行卡"),
        ("zfb转账", "支付宝转账"),
        ("加wx13800138000", "加微信13800138000"),
        ("v信", "微信"),
        ("加 w x", "加微信"),
        ("加v.x", "加微信"),
        # numbers
        ("一三八零零一三八零零零", "13800138000"),
        ("幺三八〇〇幺三八〇〇〇", "13800138000"),
        ("壹叁捌零零壹叁捌零零零", "13800138000"),
        ("1叁8零0一3八0零0", "13800138000"),
        ("电话①③⑧零零①③⑧零零零", "电话13800138000"),
        ("1-3-8-0-0-1-3-8-0-0-0", "13800138000"),
        ("微信 1-3 8.0-0", "微信 1-3 8.0-0"),
    ],
)
def test_a_word_written_otherwise_reads_as_the_word(written: str, read: str) -> None:
    assert fold(written) == read


@pytest.mark.parametrize(
    "text",
    [
        # characters that are words of their own
        "女子篮球", "女子排球赛", "人工智能", "日月潭", "木目", "走秀", "火山爆发", "手足情深", "工力悉敌", "水手",
        # by sound
        "有威信", "他在群众中很有威信,", "卫星发射成功", "增加卫星数量", "立信会计", "成为信用社员工", "里财务公开",
        "为信仰而战", "代客泊车", "大家微笑", "更佳", "番茄", "扣分", "加扣分", "企鹅", "抠图", "加班", "电视",
        "加v认证", "大v", "cctv", "v5", "q版", "q弹", "t恤", "a股", "k歌", "b站", "x光",
        # letters
        "http://weixin.qq.com/", "weixin.qq.com", "a@weixin.cn", "my weixin id", "weixinpay", "shanghai",
        "你在shanghai", "wangzhi123.com", "wx9", "vx530", "iphone", "app", "vip", "ok", "hello", "wifi", "banana",
        # numbers
        "一二三", "一二三四五", "一二三四五六七", "五四三二一", "一万二千", "三三两两", "五一", "2023五一假期",
        "2014一二线城市", "一五一十", "二〇二四年", "一九四九年", "第一二三四五条"[:4], "九九八十一", "零一二三四五",
        "010-12345678", "2024-01-02", "192.168.1.100", "13-15", "10.20.30.40",
    ],
)  # fmt: skip
def test_what_means_what_it_says_stays(text: str) -> None:
    assert fold(text) == text


@pytest.mark.parametrize(
    ("written", "word", "quoted"),
    [
        ("请加薇信聊", "微信", "薇信"),
        ("请加 wei-xin 聊", "微信", "wei-xin"),
        ("办讠正", "证", "讠正"),
        ("办讠.正", "办证", "办讠.正"),
        ("找我dai款", "贷款", "dai款"),
        ("电话一三八零零一三八零零零。", "13800138000", "一三八零零一三八零零零"),
        ("加v：abc12345", "微信", "v"),
        ("提供daikuanfuwu哦", "服务", "fuwu"),
    ],
)
def test_evidence_quotes_what_was_written(written: str, word: str, quoted: str) -> None:
    assert quote(written, word) == quoted


def test_listed_words_and_their_sure_variants_fold_to_the_words_and_stay() -> None:
    tables = variants()
    words = {variant.word for listed in tables.chinese.values() for variant in listed}
    assert {word for word in words if fold(word) != word} == set()
    sure = [variant for listed in tables.chinese.values() for variant in listed if variant.sure]
    assert len(sure) > 100
    wrong = {"".join(map(chr, v.written)): v.word for v in sure if fold("".join(map(chr, v.written))) != v.word}
    assert wrong == {}


def test_words_in_pinyin_fold_to_the_words() -> None:
    forms = {form: word for form, word in variants().latin.items() if form.isascii() and 5 < len(form) <= 12}
    assert len(forms) > 300
    read = fold_batch(list(forms))
    wrong = {form for index, form in enumerate(forms) if fold(read.text(index)) != fold(forms[form])}
    # Some words sound alike: then it is one of them.
    words = set(variants().latin.values())
    assert {form for form in wrong if fold(form) not in {fold(word) for word in words}} == set()
    assert len(wrong) <= len(forms) / 50


def test_short_words_of_a_lexicon_match_where_they_stand() -> None:
    for word in ("wx", "vx", "qq", "v信", "薇信", "加v", "一二三", "女子", "轉帳", "zfb"):
        assert fold(word) in fold(f"请{word}，谢谢") or fold(word) in fold(f"加{word}")


@pytest.mark.parametrize("lead", ["", "薇信加我，"], ids=["alone", "read closely"])
def test_rare_characters_that_share_numbers_with_listed_pairs_stand_for_nothing(lead: str) -> None:
    listed = [*variants().chinese, *parts().ways][::25]
    pairs = [chr(plane + (key >> 16)) + chr(key & 0xFFFF) for key in listed for plane in (0x20000, 0x30000)]
    plain = fold_batch(pairs)
    folded = fold_batch([lead + pair for pair in pairs])
    before = fold(lead)
    assert [folded.text(at) for at in range(len(pairs))] == [before + plain.text(at) for at in range(len(pairs))]
