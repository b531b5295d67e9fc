"""What forms ask for, wherever they say it."""

from __future__ import annotations

import pytest

from rules.pages import read_html


@pytest.mark.parametrize(
    ("html", "asked"),
    [
        ("<input autocomplete=tel>", {"phone"}),
        ("<input autocomplete=bday>", {"birthday"}),
        ("<input autocomplete=cc-number>", {"bank_card"}),
        ("<input autocomplete=street-address>", {"address"}),
        ("<input aria-label=手机号码>", {"phone"}),
        ("<input title=身份证>", {"id_number"}),
        ("<input v-model=form.idCardNo>", {"id_number"}),
        ("<input name=user_mobile>", {"phone"}),
        ("<input name=userPhone>", {"phone"}),
        ("<div contenteditable=true data-placeholder=收货地址></div>", {"address"}),
        ("<label for=a>出生日期</label><input id=a>", {"birthday"}),
        ("<label>密码：<input></label>", {"password"}),
        ("<p>手机号：<input></p>", {"phone"}),
        ("<p>请如实填写以下全部内容，我们将在三个工作日之内与您联系。您的手机号：<input></p>", {"phone"}),
        ("<span>身份证号码</span><input>", {"id_number"}),
        ("<table><tr><td>家庭住址</td><td><input></td></tr></table>", {"address"}),
        ("<div><div>银行卡号</div><div><input></div></div>", {"bank_card"}),
        ("<div>银行卡号<input name=a>生日<input name=b></div>", {"bank_card", "birthday"}),
    ],
)
def test_a_form_asks_in_attributes_labels_and_the_text_in_front(html: str, asked: set[str]) -> None:
    assert read_html(f"<form>{html}</form>").asks_for == asked


@pytest.mark.parametrize(
    "html",
    [
        "<input placeholder=邮箱地址>",
        "<input name=email_address>",
        "<input name=ip_address>",
        "<input type=search placeholder=手机>",
        "<input placeholder=搜索手机型号>",
        "<input placeholder=请输入关键字 name=phone_query>",
        "<input placeholder=会员卡号>",
        "<input placeholder=手机品牌>",
        "<input type=checkbox name=remember_password>",
        "<input type=submit value=找回密码>",
        "<p>手机号</p><p>其他</p><p>再其他</p><p>更多</p><p>还有</p><input name=q>",
        "<p>" + "本店出售各种手机壳和手机膜，" * 10 + "</p><input name=q>",
    ],
)
def test_what_asks_for_something_else_asks_for_nobody(html: str) -> None:
    assert read_html(f"<form>{html}</form>").asks_for == set()


def test_the_words_at_inputs_are_text_of_their_own() -> None:
    page = read_html(
        "<label>姓名<input></label><input placeholder=手机号><input type=hidden placeholder=x><input type=submit>"
    )
    assert page.form == "姓名\n手机号"


def test_of_many_inputs_the_first_two_hundred_are_read() -> None:
    assert read_html("<input name=q>" * 199 + "<input name=phone>").asks_for == {"phone"}
    assert read_html("<input name=q>" * 200 + "<input name=phone>").asks_for == set()


@pytest.mark.parametrize(
    ("html", "has_notice"),
    [
        ("<p>请阅读《个人信息保护政策》</p>", True),
        ("<a href=/p>隐私</a>", True),
        ("<a href=/p>Privacy</a>", True),
        ("<p>提交即同意用户服务协议</p>", True),
        ("<p>这是我的隐私</p>", False),
        ("<a href=/p>隐私摄影</a>", False),
    ],
)
def test_a_privacy_notice_goes_by_many_names(html: str, has_notice: bool) -> None:
    assert read_html(html).privacy_notice is has_notice
