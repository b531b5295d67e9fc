"""Cost of a text: `python -m benchmarks.texts [LABELLED] [--length N] [--batch N]`.

Prints µs per text of 100 characters, in batches on one core, for each step of screening with the shipped pack; and
what ten times the words cost. Texts are the benign ones of a labelled file, joined and cut to length: by default those
of `tests/data/known_good.jsonl`. Times are the least of several runs, and each ratio is of runs made in turn.
"""

import argparse
import random
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from lab.corpus import benign, read_rows
from rules.events import Post
from rules.learned import LearnedSet
from rules.lexicon import Automaton
from rules.packs import SHIPPED, load_pack
from rules.packs.model import FIELDS, FIELDS_BY_DEFAULT, LearnedLexicon, LearnedPart, LearnedSignal, LexiconSignal, Pack
from rules.packs.source import Place
from rules.screen import Arrival, Screen
from rules.text import fold_batch
from rules.uses import Uses
from rules.words import Word

KNOWN_GOOD = Path(__file__).parents[1] / "tests" / "data" / "known_good.jsonl"
TIME = datetime(2026, 1, 1, tzinfo=UTC)
_ROUNDS = 15
_TEN_TIMES = 10


def cut_texts(path: Path, length: int, most: int) -> list[str]:
    """Benign texts of a file, shuffled and joined, in pieces of `length` characters, repeated to `most`."""
    rows = [row.text.replace("\n", "，") for row in read_rows(path) if benign(row)]
    random.Random(1).shuffle(rows)
    joined = "。".join(rows)
    pieces = [joined[at : at + length] for at in range(0, len(joined) - length, length)]
    return [pieces[at % len(pieces)] for at in range(most)]


def in_turn(works: Sequence[Callable[[], object]]) -> list[float]:
    """The least CPU time of each in s, run one after the other in several rounds."""
    best = [float("inf")] * len(works)
    for _ in range(_ROUNDS):
        for index, work in enumerate(works):
            began = time.process_time()
            work()
            best[index] = min(best[index], time.process_time() - began)
    return best


def more_words(words: Sequence[str], times: int) -> list[str]:
    """`words` and as many made-up ones as make `times` their number: of the same lengths and characters."""
    chance = random.Random(2)
    known = dict.fromkeys(words)
    while len(known) < times * len(words):
        first, second = chance.choice(words), chance.choice(words)
        cut = chance.randrange(len(first) + 1)
        known.setdefault((first[:cut] + second[cut:])[: max(len(first), 2)] or first)
    return list(known)


def automaton_of(pack: Pack, times: int) -> Automaton:
    """The automaton of the pack's words, or of so many times as many."""
    signals = [signal for signal in pack.signals.values() if isinstance(signal, LexiconSignal)]
    entries: dict[str, Sequence[Word]] = {name: lexicon.entries for name, lexicon in pack.lexicons.items()}
    forms = list(Uses(signals, entries).forms)
    return Automaton(forms if times == 1 else more_words([form for form in forms if len(form) > 1], times))


def learned_of(pack: Pack, times: int) -> LearnedSet:
    """The pack's learned lexicons, or as many with so many times the n-grams."""
    lexicons = {}
    for name, lexicon in pack.learned.items():
        parts = []
        for part in lexicon.parts:
            ngrams = list(part.ngrams) if times == 1 else more_words(list(part.ngrams), times)
            parts.append(LearnedPart(part.fields, {ngram[:4]: part.ngrams.get(ngram, 0.01) for ngram in ngrams}))
        lexicons[name] = LearnedLexicon(name, lexicon.bias, tuple(parts), Place("", 1, 1), lexicon.length)
    return LearnedSet([LearnedSignal(name, name, FIELDS_BY_DEFAULT, 0.0) for name in lexicons], lexicons)


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("labelled", nargs="?", type=Path, default=KNOWN_GOOD)
    parser.add_argument("--length", type=int, default=100)
    parser.add_argument("--batch", type=int, default=512)
    arguments = parser.parse_args()
    size = arguments.batch
    texts = cut_texts(arguments.labelled, arguments.length, size)
    pack = load_pack(SHIPPED)
    screen = Screen(pack)
    arrivals = [
        Arrival(Post(id=str(at), account=str(at), time=TIME, text=text), "bench", "bench", at)
        for at, text in enumerate(texts)
    ]
    violations = len(screen.screen(arrivals, lambda _: None).violations)
    folded = fold_batch(texts)
    events, fields = np.arange(size), np.full(size, FIELDS.index("text"))
    words, words10 = automaton_of(pack, 1), automaton_of(pack, _TEN_TIMES)
    learned, learned10 = learned_of(pack, 1), learned_of(pack, _TEN_TIMES)
    print(f"{size} texts of {arguments.length} characters, {violations} violations; {len(words.words):,} words, "
          f"{learned.size:,} learned n-grams")  # fmt: skip
    whole, fold, match, match10, learn, learn10 = in_turn([
        lambda: screen.screen(arrivals, lambda _: None),
        lambda: fold_batch(texts),
        lambda: words.scan(folded),
        lambda: words10.scan(folded),
        lambda: learned.score(folded, events, fields, size),
        lambda: learned10.score(folded, events, fields, size),
    ])  # fmt: skip
    for name, seconds in (
        ("folding", fold),
        ("matching words", match),
        ("scoring learned lexicons", learn),
        ("rules and the rest", whole - fold - match - learn),
        ("all of it", whole),
    ):
        print(f"{name:26}{seconds / size * 1e6:7.2f} µs/text")
    print(f"ten times the words: {len(words10.words):,} words in {match10 / match:.2f} times the time, "
          f"{learned10.size:,} n-grams in {learn10 / learn:.2f} times; "
          f"all of it in {(whole - match - learn + match10 + learn10) / whole:.2f} times")  # fmt: skip


if __name__ == "__main__":
    main()
