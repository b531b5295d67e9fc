"""Hosts that pass for a protected brand without being one of its own.

Judged by the name alone: nothing is resolved or fetched. A host is one of the brand's own when it is listed;
a host under a registry that vets its names (gov.cn, edu.cn, …) passes for nobody. Of every other host each label
is compared with each brand, as an eye reads it.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

import ada_url

from rules.folding.codes import decode_points
from rules.folding.points import fold_points
from rules.links import host_of, in_list, public_suffix
from rules.misspellings import is_misspelling

_CACHED_HOSTS = 100_000
_LONG_BRAND = 5
"""Letters from which on a brand's name is unlikely to occur in other names by chance."""
_BY_CHANCE = 5
"""Characters from which on a label with a digit is unlikely to hold a short brand's name by chance."""
_VETTED = frozenset({"gov", "edu", "mil", "int"})
_VETTED_BELOW_A_COUNTRY = frozenset({"gov", "edu", "mil", "ac", "go", "gob", "gouv"})
_PLATFORMS = frozenset({"weixin", "wechat"})
"""Brands that others name their own pages for the platform after: weixin.shop.example, weixinkaifa.example. It takes
more than the name to pass for the platform: weixin-pay.shop.example does."""
_CLAIMS = (
    "vip safe secur login signin verify verif account auth wallet zhifu anquan kefu service sevice support mail zone "
    "kongjian jiang huodong hongbao farm dnf pet gift lipin bonus award prize refund shensu jiefeng pay"
).split()
"""What hosts that pass for a platform say they are: its safety centre, its prize draw, its login."""
_SHORT_CLAIMS = frozenset({"aq", "hd", "tx", "cf", "kf", "id", "my"})
"""The same, too short to look for inside other words: they stand alone, between hyphens."""

_DIGITS = "0123456789"
_DIGIT_LETTERS = str.maketrans("013457", "oieast")
_HAS_DIGIT = re.compile("[0-9]").search
_PARTS = re.compile("[-_]")


class Brands:
    """Recognises hosts that pass for a protected brand. What is known of a host is kept in a bounded cache."""

    def __init__(self, official: frozenset[str], brands: Iterable[str]) -> None:
        """`official`: the brands' own hosts, each with all below it; `brands`: their names, as labels have them."""
        self._official = official
        self._brands = tuple(brands)
        self._resembles = lru_cache(_CACHED_HOSTS)(self._test)

    def resembles(self, name: str) -> bool:
        """Whether the host (ASCII, lower case) looks like a brand's and is not."""
        return self._resembles(name)

    def _test(self, name: str) -> bool:
        host = host_of(name)
        if host.is_ip or in_list(name, self._official) or _is_vetted(name):
            return False
        labels = name.rstrip(".").split(".")
        suffix = public_suffix(name)
        own = labels[: len(labels) - (suffix.count(".") + 1 if suffix else 0)]
        return self._has_official_inside(own) or any(
            self._label_resembles(label, registered=at == len(own) - 1) for at, label in enumerate(own)
        )

    def _has_official_inside(self, labels: list[str]) -> bool:
        """Whether an official host stands within the name: aq.qq.com.evil.cn, item.taobao.com-cart.cn."""
        for start in range(len(labels) - 1):
            name = labels[start]
            for label in labels[start + 1 : start + 4]:
                if f"{name}.{label.partition('-')[0]}" in self._official:
                    return True
                name = f"{name}.{label}"
        return False

    def _label_resembles(self, label: str, registered: bool) -> bool:
        read = _read(label)
        return any(_resembles(read, brand, registered) for brand in self._brands)


class _Label(NamedTuple):
    """A label as an eye reads it. `letters` has letters for the digits that look like them; `words` are the parts
    between hyphens, of both, without digits at their ends; `disguised` says that the letters are not what they seem."""

    text: str
    letters: str
    words: frozenset[str]
    disguised: bool


def _read(label: str) -> _Label:
    text = label
    if label.startswith("xn--"):
        try:
            text = decode_points(fold_points(ada_url.idna_to_unicode(label.encode()) or label))
        except (ValueError, UnicodeError):
            text = label
    text = text.replace("vv", "w").replace("rn", "m")
    letters = text if text.isdigit() else text.translate(_DIGIT_LETTERS)
    words = frozenset(part.strip(_DIGITS) for part in _PARTS.split(text)) | frozenset(_PARTS.split(letters))
    return _Label(text, letters, words, text != label)


def _resembles(label: _Label, brand: str, registered: bool) -> bool:
    if label.text == brand:
        return registered or label.disguised or brand not in _PLATFORMS
    if len(brand) < _LONG_BRAND:
        return brand in label.text and (brand in _PARTS.split(label.text) or _means_it(label))
    if brand in label.words:
        return True
    if brand in label.text or brand in label.letters:
        return brand not in _PLATFORMS or label.disguised or _means_it(label)
    return registered and any(is_misspelling(word, brand) for word in label.words)


def _means_it(label: _Label) -> bool:
    """Whether a label claims something beside a brand's name, which also stands in the middle of other names."""
    text = label.text
    if len(text) >= _BY_CHANCE and _HAS_DIGIT(text):
        return True
    return any(claim in text for claim in _CLAIMS) or not _SHORT_CLAIMS.isdisjoint(label.words)


def _is_vetted(name: str) -> bool:
    """Whether the registry looks at who asks for a name there."""
    *_, second, top = f".{name.rstrip('.')}".split(".")
    return top in _VETTED or (len(top) == 2 and second in _VETTED_BELOW_A_COUNTRY)
