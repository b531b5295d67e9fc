"""Writing a learned lexicon as the YAML of a pack: n-grams sorted under their weights, for a person to read."""

import unicodedata
from collections.abc import Iterator, Mapping
from textwrap import wrap

from lab.learn.fit import Fitted
from rules.packs.model import FIELDS, FIELDS_BY_DEFAULT, Field
from rules.packs.read_learned import NEWLINE, SPACE

_STEPS = 40
"""Different weights on each side: one in forty of the largest is as fine as a person, or a decision, needs."""
_WIDTH = 100
_ROOT = 0.5
"""What a lexicon divides by when it does not say: the square root."""


def lexicon_yaml(name: str, fitted: Fitted, *, description: str, trained: Mapping[str, str]) -> str:
    """A file with one entry of `learned`. `trained`: what it was learned from and how, for the reader."""
    lines = [
        "learned:",
        f"  {name}:",
        f"    description: {_quoted(description)}",
        "    trained:",
        *(f"      {key}: {_quoted(value)}" for key, value in trained.items()),
        f"    bias: {fitted.bias:.4f}",
        *([f"    length: {fitted.length}"] if fitted.length != _ROOT else []),
    ]
    if [fields for fields, _ in fitted.parts] == [FIELDS_BY_DEFAULT]:
        lines += ["    ngrams:", *_ngrams(fitted.parts[0][1], "      ")]
    else:
        lines.append("    parts:")
        for fields, ngrams in fitted.parts:
            lines += [
                f"      - fields: [{', '.join(_names(fields))}]",
                "        ngrams:",
                *_ngrams(ngrams, "          "),
            ]
    return "\n".join(lines) + "\n"


def _names(fields: frozenset[Field]) -> list[str]:
    return [field for field in FIELDS if field in fields and field != "page_html"]


def _ngrams(ngrams: Mapping[str, float], indent: str) -> Iterator[str]:
    """Lines of `weight: |` with the n-grams below, heaviest first, those against last."""
    step = max(map(abs, ngrams.values()), default=0.0) / _STEPS
    by_weight: dict[int, list[str]] = {}
    for ngram, weight in ngrams.items():
        level = round(weight / step) or (1 if weight > 0 else -1)
        by_weight.setdefault(level, []).append(ngram)
    for level in sorted(by_weight, reverse=True):
        words = [_written(ngram) for ngram in sorted(by_weight[level], key=lambda ngram: (-len(ngram), ngram))]
        yield f"{indent}{level * step:.3f}: |2"
        # Chinese characters are two columns wide, and a line that starts with a space would end the block's indent.
        yield from (
            f"{indent}  {line}"
            for line in wrap(" ".join(words), _WIDTH // 2, break_long_words=False, break_on_hyphens=False)
        )


def _written(ngram: str) -> str:
    return "".join(NEWLINE if c == "\n" else SPACE if unicodedata.category(c)[0] == "Z" else c for c in ngram)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
