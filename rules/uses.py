"""What a form found in a text counts for: which word, for which signal, with what weight, and whether it may.

One form can be several words' (银行 in two lexicons), and one word can have several forms (微信, weixin, wx). A use
is one form for one signal. Conditions (`rules.words.Form`) are checked only for uses that have any, and only after
the form was found, so words without options cost nothing for those with.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from rules.lexicon import Matches
from rules.packs.model import FIELDS, LexiconSignal
from rules.scans import uses as scans
from rules.text import Folded
from rules.words import Form, Word, forms_of

Indices = NDArray[np.int64]
Flags = NDArray[np.bool_]

_TOKEN_POINTS = 0x590
"""Latin, Greek and Cyrillic end below it; scripts above put no space at the edge of every word."""


class _Use(NamedTuple):
    """One form for one signal. `word` is the same for all forms of one word, and for words that fold alike."""

    column: int
    weight: float
    mask: int
    word: int
    form: Form
    lexicon: int


class Uses:
    """The uses of all forms of a pack's lexicons.

    forms:  every form, folded and distinct, in the order in which `Matches.word` numbers them.
    column: int64[uses], index of the signal; weight: float64[uses].
    """

    def __init__(self, signals: Sequence[LexiconSignal], words: Mapping[str, Sequence[Word]]) -> None:
        """`words`: the entries of each lexicon. Raises LexiconError for a word that cannot be matched."""
        names = list(dict.fromkeys(signal.lexicon for signal in signals))
        forms = {name: forms_of(words[name]) for name in names}
        uses: dict[str, list[_Use]] = {}
        numbers: dict[tuple[int, str], int] = {}
        for column, signal in enumerate(signals):
            mask = sum(1 << FIELDS.index(field) for field in signal.fields)
            lexicon = names.index(signal.lexicon)
            for form, word, weight in _counting(signal, words[signal.lexicon], forms[signal.lexicon]):
                number = numbers.setdefault((column, word), len(numbers))
                uses.setdefault(form.folded, []).append(_Use(column, weight, mask, number, form, lexicon))
        shielded = [index for index, name in enumerate(names) if any(form.alone for form in forms[name])]
        for index in shielded:  # a word that counts for nothing still keeps shorter ones from being alone
            for form in forms[names[index]]:
                uses.setdefault(form.folded, [])
        self.forms = list(uses)
        number_of = {form: number for number, form in enumerate(self.forms)}
        self._members = np.zeros((len(names), len(uses)), np.bool_)
        """Lexicon, form -> whether the form is one of the lexicon's, for those that ask what lies inside what."""
        for index in shielded:
            self._members[index, [number_of[form.folded] for form in forms[names[index]]]] = True

        flat = [use for found in uses.values() for use in found]
        self._pointer = np.cumsum([0, *(len(found) for found in uses.values())])
        self.column = np.array([use.column for use in flat], np.int64)
        self.weight = np.array([use.weight for use in flat], np.float64)
        self._mask = np.array([use.mask for use in flat], np.int64)
        self._lexicon = np.array([use.lexicon for use in flat], np.int64)
        self._token = np.array([use.form.token for use in flat], np.bool_)
        self._alone = np.array([use.form.alone for use in flat], np.bool_)
        self._exact = {number: use.form.exact for number, use in enumerate(flat) if use.form.exact is not None}
        self._is_exact = np.array([use.form.exact is not None for use in flat], np.bool_)
        self._conditional = self._token | self._alone | self._is_exact

        self._word = np.array([use.word for use in flat], np.int64)
        self._words = len(numbers)

    def counted(
        self, matches: Matches, folded: Folded, texts: Sequence[str], fields: Sequence[int]
    ) -> tuple[Indices, Indices]:
        """(match, use) of everything found that counts: the form stands in a field of the signal, and as it must.

        `texts`, `fields`: of the batch; fields as indices in FIELDS. Both results are in order of match.
        """
        if not matches.word.size:
            return matches.word, matches.word
        size = int((self._pointer[matches.word + 1] - self._pointer[matches.word]).sum())
        match, use, asked = np.empty(size, np.int64), np.empty(size, np.int64), np.zeros(size, np.uint8)
        count = scans.counted(
            np.ascontiguousarray(matches.word).data, np.ascontiguousarray(matches.text).data,
            np.array(fields, np.int64).data, self._pointer.data, self._mask.data,
            self._conditional.view(np.uint8).data, match.data, use.data, asked.data,
        )  # fmt: skip
        match, use = match[:count], use[:count]
        at = np.flatnonzero(asked[:count])
        if not at.size:
            return match, use
        keep = np.ones(count, np.bool_)
        keep[at] = self._holds(matches, folded, texts, match[at], use[at])
        return match[keep], use[keep]

    def words(self, use: Indices) -> Indices:
        """The number of the word of each use; all forms of one word have the same."""
        return self._word[use]

    def tally(self, event: Indices, use: Indices) -> tuple[Indices, Indices, NDArray[np.float64]]:
        """Event, column and summed weight of what was found, each word once for an event: by the heaviest of its forms
        that were found. `event`: of each use, in order."""
        events, columns, values = np.empty(use.size, np.int64), np.empty(use.size, np.int64), np.empty(use.size)
        width = int(self.column.max(initial=-1)) + 1
        count = scans.tally(
            np.ascontiguousarray(event).data, np.ascontiguousarray(use).data, self._word.data, self.column.data,
            self.weight.data, np.full(self._words, -1).data, np.empty(self._words).data, np.full(width, -1).data,
            np.empty(width, np.int64).data, events.data, columns.data, values.data,
        )  # fmt: skip
        return events[:count], columns[:count], values[:count].round(9)  # ten tenths are 1

    def _holds(self, matches: Matches, folded: Folded, texts: Sequence[str], match: Indices, use: Indices) -> Flags:
        """Whether each of these (match, use) stands as its form must."""
        start, end = matches.start[match], matches.end[match]
        holds = np.ones(match.size, np.bool_)
        token = self._token[use]
        if token.any():
            letters, codes = _letters(), folded.codes  # every text ends with a separator, so `end` is within
            goes_on = letters[codes[end - 1]] & letters[codes[end]]
            goes_on |= letters[codes[start]] & letters[codes[start - 1]] & (start > 0)
            holds &= ~(token & goes_on)
        alone = np.flatnonzero(self._alone[use] & holds)
        if alone.size:
            holds[alone] = ~self._inside_longer(matches, match[alone], self._lexicon[use[alone]])
        for at in np.flatnonzero(self._is_exact[use] & holds).tolist():
            written, lead = self._exact[int(use[at])]
            segment = int(matches.text[match[at]])
            begins = folded.original_span(int(start[at]), int(start[at]) + 1, segment)[0] - lead
            holds[at] = begins >= 0 and texts[segment].startswith(written, begins)
        return holds

    def _inside_longer(self, matches: Matches, match: Indices, lexicon: Indices) -> Flags:
        """Whether each match lies inside a longer one of the lexicon."""
        asked = np.unique(lexicon)
        of, member = np.nonzero(self._members[asked][:, matches.word])
        start, end = matches.start[member], matches.end[member]
        order = np.lexsort((-end, start, of))
        of, member = of[order], member[order]
        # The furthest end among those that start no later; ends of one lexicon lie behind all of the one before it.
        end = end[order] + of * (matches.end.max() + 1)
        inside = np.zeros(end.size, np.bool_)
        inside[1:] = np.maximum.accumulate(end)[:-1] >= end[1:]
        found = np.zeros((asked.size, matches.word.size), np.bool_)
        found[of, member] = inside
        answer: Flags = found[np.searchsorted(asked, lexicon), match]
        return answer


def _counting(signal: LexiconSignal, words: Sequence[Word], forms: Sequence[Form]) -> Iterator[tuple[Form, str, float]]:
    """(form, its word's own folded form, weight) of what counts for a signal; of equal forms the heaviest."""
    own: dict[int, str] = {}
    found: dict[Form, tuple[str, float]] = {}
    for form in forms:
        word = words[form.word]
        base = own.setdefault(form.word, form.folded)
        if word.weight == 0 or not signal.counts(word):
            continue
        key = form._replace(word=0)
        if key not in found or word.weight > found[key][1]:
            found[key] = (base, word.weight)
    for key, (base, weight) in found.items():
        yield key, base, weight


@cache
def _letters() -> Flags:
    """Code point -> whether it is a letter or a digit of a script that puts spaces between words."""
    table = np.zeros(0x110000, np.bool_)
    table[[point for point in range(_TOKEN_POINTS) if unicodedata.category(chr(point))[0] in "LN"]] = True
    return table
