"""The reader of `learned`: lexicons of weighted n-grams, as `warden learn` writes them and people edit them."""

from collections.abc import Iterable, Iterator

from rules.ngram_weights import NgramWeights
from rules.ngrams import MAX_NGRAM
from rules.packs.model import FIELDS, FIELDS_BY_DEFAULT, LearnedLexicon, LearnedPart
from rules.packs.source import Node
from rules.text import fold_batch

SPACE, NEWLINE = "␣", "↵"
"""How a space and a line break are written within an n-gram."""
_MAX_WEIGHT = 1000.0
_ROOT = 0.5


def read_learned(name: str, node: Node) -> LearnedLexicon:
    """One entry of `learned`. Raises PackError."""
    body = node.mapping()
    body.take("description")
    body.take("trained")
    bias = body.take("bias")
    length = body.take("length")
    power = length.number() if length is not None else _ROOT
    if length is not None and not 0 <= power <= 1:
        raise length.error("the power of the number of n-grams lies between 0 and 1", "0.5 is the square root")
    parts: list[LearnedPart] = []
    if (several := body.take("parts")) is not None:
        parts.extend(_part(part) for part in several.sequence())
    if (ngrams := body.take("ngrams")) is not None:
        parts.append(LearnedPart(FIELDS_BY_DEFAULT, NgramWeights(dict(_ngrams(ngrams)))))
    body.done()
    if not parts:
        raise node.error("the lexicon is empty", "give it `ngrams:`, or `parts:` with `fields:` and `ngrams:`")
    return LearnedLexicon(name, bias.number() if bias is not None else 0.0, tuple(parts), node.place, power)


def _part(node: Node) -> LearnedPart:
    body = node.mapping()
    fields = {field.choice(FIELDS) for field in body.need("fields").sequence()}
    if "page_text" in fields:
        fields.add("page_html")
    part = LearnedPart(frozenset(fields), NgramWeights(dict(_ngrams(body.need("ngrams")))))  # type: ignore[arg-type]
    body.done()
    return part


def _ngrams(node: Node) -> Iterator[tuple[str, float]]:
    """N-gram -> weight, from mappings of a weight to the n-grams that have it, parted by white space."""
    known: set[str] = set()
    written: dict[str, Node] = {}
    for text, key, value in node.mapping().items():
        try:
            weight = float(text)
        except ValueError:
            raise key.error(f"expected a weight, found {text!r}", "weight: n-grams parted by white space") from None
        if not 0 < abs(weight) <= _MAX_WEIGHT:
            raise key.error(f"weights lie between 0 and {_MAX_WEIGHT:g}, or are negative to weigh against")
        for word in value.text().split():
            ngram = word.replace(SPACE, " ").replace(NEWLINE, "\n")
            if len(ngram) > MAX_NGRAM:
                raise value.error(f"{word!r} is longer than {MAX_NGRAM} characters", "longer words go into `lexicons`")
            if ngram in known:
                raise value.error(f"{word!r} has a weight already")
            known.add(ngram)
            for character in ngram:
                written.setdefault(character, value)
            yield ngram, weight
    if not known:
        raise node.error("there are no n-grams")
    _check_characters(written)


def _check_characters(written: dict[str, Node]) -> None:
    """Refuses characters that no folded text has."""
    for character, form in unfolded(written).items():
        hint = "n-grams are written as texts are folded: small letters, simplified characters, half-width forms"
        raise written[character].error(f"{character!r} never stands in a folded text, which has {form!r}", hint)


def unfolded(characters: Iterable[str]) -> dict[str, str]:
    """Those of `characters` that folding always turns into others, each with what it becomes."""
    known = list(characters)
    folded = fold_batch(known)
    forms = {character: folded.text(index) for index, character in enumerate(known)}
    return {character: form for character, form in forms.items() if form and form != character}
