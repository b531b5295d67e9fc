"""The operator's own words on the compacted topic `operator_words`: read, written, and followed by workers.

A record's key is `lexicon/word`, its value a JSON object of the word's weight and options (`{}` for a plain word), and
a tombstone takes the word away. A worker reads the topic to its end before it starts, and follows it: after a change
it compiles the pack anew beside its work, and uses it from the next batch on. Decisions cite the words they were made
with, as a digest in the pack's label.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any, Protocol

import msgspec
from aiokafka.errors import KafkaError

from rules.lexicon import LexiconError
from rules.packs.model import Pack
from rules.packs.source import did_you_mean
from rules.packs.word_files import MAX_WEIGHT
from rules.words import Word, wrong_words
from streams.access.clients import started_producer
from streams.codec import Record, one_line
from streams.compacted import changes, opened, until_now
from streams.metrics import Metrics
from streams.rights import kafka_error
from streams.settings import Settings
from streams.topics import topic_names

logger = logging.getLogger(__name__)

QUIET_S = 0.5
"""A change is compiled when nothing more has come for so long, so that a long list is compiled once ..."""
MAX_WAIT_S = 5.0
"""... or when the first of it has waited for so long."""

Weight = Annotated[float, msgspec.Meta(ge=-MAX_WEIGHT, le=MAX_WEIGHT)]


class WordRecord(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The value of a record: what `rules.words.Word` has besides its text."""

    weight: Weight = 1.0
    group: Annotated[str, msgspec.Meta(max_length=100)] = ""
    whole: bool = False
    pinyin: bool = False
    initials: bool = False
    fold: bool = True


_RECORD = msgspec.json.Decoder(WordRecord)
_ENCODER = msgspec.json.Encoder()


class OperatorWords:
    """What the topic says as of the last record that was applied."""

    def __init__(self) -> None:
        self._words: dict[tuple[str, str], Word] = {}
        self._wrong: dict[str, str] = {}
        self.positions: dict[tuple[str, int], int] = {}
        """(topic, partition) -> the offset after the last record applied."""
        self.changed = 0
        """When the newest record was written, in ms since 1970; 0 without any."""

    def apply(self, record: Record) -> None:
        """Takes in one record; one that is no word is remembered as a problem, and changes nothing else."""
        self.positions[record.topic, record.partition] = record.offset + 1
        self.changed = max(self.changed, record.timestamp)
        key = (record.key or b"").decode("utf-8", "replace")
        lexicon, _, text = key.partition("/")
        self._words.pop((lexicon, text), None)
        self._wrong.pop(key, None)
        if record.value is None:
            return
        place = f"{record.topic}, partition {record.partition}, offset {record.offset}"
        try:
            (record.key or b"").decode()
            if not lexicon or not text:
                raise ValueError("the key is lexicon/word")
            if wrong := wrong_words([text]):
                raise ValueError(wrong[0][1])
            value = _RECORD.decode(record.value)
            self._words[lexicon, text] = Word(text, *msgspec.structs.astuple(value))
        except (ValueError, msgspec.DecodeError, RecursionError) as error:
            self._wrong[key] = one_line(f"{place} is no word: {error}")

    def of(self, lexicon: str) -> list[Word]:
        """The words for one lexicon, in order."""
        return [self._words[key] for key in sorted(self._words) if key[0] == lexicon]

    def merged(self, pack: Pack) -> Pack:
        """`pack` with these words beside those that its operator lexicons have from files; the topic's win."""
        return pack.with_words(
            {
                name: [*({word.text: word for word in (*pack.lexicons[name].entries, *self.of(name))}.values())]
                for name in pack.operator_lexicons()
            }
        )

    def problems(self, pack: Pack) -> list[str]:
        """What is wrong with records, and words for lexicons that the pack does not have."""
        asked = pack.operator_lexicons()
        unknown = sorted({lexicon for lexicon, _ in self._words if lexicon not in asked})
        return [
            *self._wrong.values(),
            *(
                f"the pack {pack.label} has no operator lexicon {name!r}: {did_you_mean(name, asked)}"
                for name in unknown
            ),
        ]

    def __len__(self) -> int:
        return len(self._words)


async def current_words(settings: Settings) -> OperatorWords:
    """What the topic says as of now. Raises TopicsError when it is missing, or the brokers do not answer."""
    words = OperatorWords()
    async with opened(settings, topic_names(settings).operator_words) as reader:
        async for record in until_now(reader):
            words.apply(record)
    return words


async def put_words(settings: Settings, lexicon: str, words: Iterable[Word]) -> int:
    """Writes words to the topic; returns how many, once all are acknowledged. Raises TopicsError."""
    records = [(_key(lexicon, word.text), _ENCODER.encode(_record(word))) for word in words]
    return await _produce(settings, records)


async def remove_words(settings: Settings, lexicon: str, texts: Iterable[str]) -> int:
    """Takes words away; returns how many, once all is acknowledged. Raises TopicsError."""
    return await _produce(settings, [(_key(lexicon, text), None) for text in texts])


def _record(word: Word) -> WordRecord:
    return WordRecord(
        weight=word.weight,
        group=word.group,
        whole=word.whole,
        pinyin=word.pinyin,
        initials=word.initials,
        fold=word.fold,
    )


def _key(lexicon: str, text: str) -> bytes:
    return f"{lexicon}/{text}".encode()


async def _produce(settings: Settings, records: Sequence[tuple[bytes, bytes | None]]) -> int:
    topic = topic_names(settings).operator_words
    async with opened(settings, topic):  # says what to do when the topic is missing, and does not create it
        pass
    try:
        async with started_producer(settings, linger_ms=5) as producer:
            sent = [await producer.send(topic, key=key, value=value) for key, value in records]
            await asyncio.gather(*sent)
    except (KafkaError, OSError, TimeoutError) as error:
        raise await kafka_error(settings, error, "Write") from error
    return len(records)


class Packs(Protocol):
    """What a worker judges by: `streams.packs_in_force.PacksInForce`."""

    @property
    def packs(self) -> Sequence[Pack]:
        """The packs in force, the live one first, without the words of the topic."""

    @property
    def labels(self) -> Sequence[str]:
        """Their labels, with the words that they judge with."""

    async def use_words(self) -> None:
        """Judges with the words as they are by now. Raises LexiconError, and nothing changes."""


class Following:
    """Keeps a worker's packs up to date with the topic. `run` goes on until it is cancelled."""

    def __init__(self, settings: Settings, packs: Packs, words: OperatorWords, metrics: Metrics) -> None:
        """`words`: what the worker started with; `packs` judge with the same object."""
        self._settings = settings
        self._packs = packs
        self._words = words
        self._metrics = metrics
        self._told: set[str] = set()
        self.count()

    async def run(self) -> None:
        """Reads on from where `words` ends. Raises TopicsError when the brokers do not answer any more."""
        self._tell()
        async with opened(self._settings, topic_names(self._settings).operator_words) as reader:
            for tp in reader.assignment():
                reader.seek(tp, self._words.positions.get((tp.topic, tp.partition), 0))
            first = newest = 0.0
            async for records in changes(reader):
                now = time.monotonic()
                for record in records:
                    self._words.apply(record)
                if records:
                    first, newest = first or now, now
                if first and (now - newest >= QUIET_S or now - first >= MAX_WAIT_S):
                    first = 0.0
                    await self._renew()

    async def _renew(self) -> None:
        """Compiles the pack with the words as they are, beside the event loop, and puts it to use."""
        self._tell()
        labels = self._packs.labels
        if labels == [self._words.merged(pack).label for pack in self._packs.packs]:
            self.count()
            return
        started = time.perf_counter()
        try:
            await self._packs.use_words()
        except LexiconError as error:
            logger.error("The operator's words cannot be compiled, %s stays in use: %s", labels[0], error)
            return
        self.count()
        took = time.perf_counter() - started
        logger.info("Pack %s: %d words, in use after %.1f s", self._packs.labels[0], len(self._words), took)

    def count(self) -> None:
        """Says that all that was applied is in force with the live pack."""
        pack = self._words.merged(self._packs.packs[0])
        sizes = {name: len(pack.lexicons[name].entries) for name in pack.operator_lexicons()}
        self._metrics.operator_words(sizes, self._words.positions, self._words.changed)

    def _tell(self) -> None:
        """Logs each problem once."""
        problems = set(self._words.problems(self._packs.packs[0]))
        for problem in sorted(problems - self._told):
            logger.warning("Operator words: %s", problem)
        self._told = problems


def listed(pack: Pack, words: OperatorWords) -> list[Mapping[str, Any]]:
    """Every word that workers look for, of the lists and of the topic, in order of lexicon and word."""
    found: list[Mapping[str, Any]] = []
    for name in pack.operator_lexicons():
        sources = {word.text: (word, "list") for word in pack.lexicons[name].entries}
        sources |= {word.text: (word, "topic") for word in words.of(name)}
        for text, (word, source) in sorted(sources.items()):
            options = {option: value for option, value in word._asdict().items() if option != "text"}
            found.append({"lexicon": name, "word": text, **options, "from": source})
    return found
