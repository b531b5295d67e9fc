"""Layers over a page, and guides that show how to share it."""

from __future__ import annotations

import pytest

from rules.page_layers import MAX_LAYERS
from rules.pages import read_html, share_guide_in

GUIDE = "点击右上角，分享给好友"


@pytest.mark.parametrize(
    ("html", "layers"),
    [
        ("<div class=mask>x</div>", 1),
        ("<div class='weui-mask'></div><div class='weui-dialog'>x</div>", 2),
        ("<div id=shareOverlay>x</div>", 1),
        ("<div style='top:0;position: FIXED'>x</div>", 1),
        ("<div role=dialog>x</div>", 1),
        ("<dialog open>x</dialog>", 1),
        ("<div class='modal fade'>x</div>", 1),
        ("<div class=player-box>x</div>", 0),
        ("<div style='position:relative'>x</div>", 0),
        ("<button class=open-modal>x</button>", 0),
        ("<div class=share-list>x</div>", 0),
        ("<div class=mask></div>" * 300, MAX_LAYERS),
        ("<p>x</p>", 0),
    ],
)
def test_layers_are_counted(html: str, layers: int) -> None:
    assert read_html(html).layers == layers


@pytest.mark.parametrize(
    "html",
    [
        f"<div class=mask><p>{GUIDE}</p></div>",
        f"<div style='position:fixed;top:0'>{GUIDE}</div>",
        "<div class=overlay>点击右上角的···，<br>发送给3个微信群</div>",
        "<div class='popup'>请按右上角菜单转发到朋友圈</div>",
        "<div class='share-guide'>分享到朋友圈</div>",
        "<div id=shareTip>点右上角</div>",
        "<div class='guide-share' style='position:fixed'><img src=a.png></div>",
        "<div class=share_mask><img src=a.png></div>",
        "<div class=overlay>Tap the top right corner and share it with a friend</div>",
    ],
)
def test_a_layer_that_shows_how_to_share_is_a_share_guide(html: str) -> None:
    assert read_html(html).share_guide == 2


@pytest.mark.parametrize(
    ("html", "guide"),
    [
        (f"<p>{GUIDE}</p>", 1),
        ("<p>分享方法：点右上角三个点，再选分享</p>", 1),
        ("<div class=mask>登录后查看</div>", 0),
        ("<div class=mask>分享给好友</div>", 0),
        ("<div class='shared-tips'>分享到朋友圈</div>", 0),
        ("<div class=share-list><a>分享到朋友圈</a></div>", 0),
        ("<p>右上角的灯坏了</p>", 0),
        ("<div class=mask><img src=a.png></div>", 0),
        ("<script>'点击右上角，分享给好友'</script>", 0),
    ],
)
def test_other_words_and_layers_are_none_or_only_wording(html: str, guide: int) -> None:
    assert read_html(html).share_guide == guide


def test_plain_text_can_explain_sharing_too() -> None:
    assert share_guide_in(GUIDE) == 1
    assert share_guide_in("分享到朋友圈") == 0
