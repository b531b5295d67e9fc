"""Fitting a learned lexicon: choose n-grams, weigh them, and find out on rows not learned from what a value means.

A linear support vector machine over n-grams that are present or not, scaled to unit length by their number, as
`rules.learned` scores them. First all n-grams are weighed, then the weightiest are kept and weighed again alone. Rare
n-grams are regularised less than common ones (by the root of their inverse document frequency), which is what finds
the phrases of a rumour. Where a clause is hard to tell from other posts of the same source, an n-gram is also
regularised less the more its frequency differs between the two (Wang and Manning, "Baselines and Bigrams", 2012), and
n-grams of other sources are left out. The scale comes from cross-validation: 0 is where one benign row in a hundred
scores as high, 1 where `false_hits` in ten thousand do.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.svm import LinearSVC

from lab.learn.documents import Documents, Labels
from rules.ngrams import MAX_NGRAM
from rules.packs.model import FIELDS_BY_DEFAULT, Field
from rules.packs.read_learned import unfolded

_LOOSE = 0.01
"""Share of benign rows that score above 0."""
_MIN_ROWS = 3
"""Rows that an n-gram must stand in: what stands in fewer says nothing about other texts."""
_COMMON = 0.02
"""Single Chinese characters that stand in more of the rows than this say little, and cost the most to look up."""
_FOLDS = 5
_STEPS = _FOLDS + 2
_MIN_POSITIVE = 20
_CJK = ("\u3400", "\u9fff")
_TITLE_FIELDS: frozenset[Field] = frozenset({"title", "page_title"})


class LearnError(ValueError):
    """There is nothing to learn from; the message says why."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to learn.

    ngrams:     how many to keep in each part.
    false_hits: benign rows in ten thousand that score 1 or more.
    titles:     learn titles on their own as well, beside the title and text as one.
    others:     the weight of a row of another clause, against 1 of a benign one.
    common:     when the weightiest are kept, the power of its rows that an n-gram's weight is multiplied with; below 0,
                rare ones come first, which cost less to look up.
    penalty:    C of the support vector machine.
    contrast:   learn from what differs between the rows of the clause and the benign ones of the same sources: what is
                added to the logarithm of the ratio, the less the more the ratio matters. None: do not.
    near:       with a contrast, how many of these rows an n-gram must stand in.
    length:     the power of their number that the sum of the n-grams of a text is divided by.
    written:    starts of the sources of benign rows that were written to look like the clause. Being no sample of what
                people send, they are learned from, but not counted where the scale is found.
    heed:       the weight of such a row; 0 leaves them out.
    """

    ngrams: int = 10_000
    false_hits: float = 1.0
    titles: bool = False
    others: float = 0.01
    common: float = 0.25
    penalty: float = 1.0
    contrast: float | None = None
    near: int = 1
    length: float = 0.5
    written: tuple[str, ...] = ()
    heed: float = 1.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Fitted:
    """A learned lexicon and what is known of it.

    parts: fields, and n-gram -> weight. recall, false_hits: of rows not learned from, at value 1. positive, benign:
    rows learned from. length: as in `Recipe`.
    """

    bias: float
    parts: list[tuple[frozenset[Field], dict[str, float]]]
    recall: float
    false_hits: float
    positive: int
    benign: int
    length: float


@dataclass(frozen=True, slots=True)
class _Part:
    """The n-grams of one part: presence is float32[rows, n-grams] of 0 and 1, by_row the same; scale is
    float32[n-grams]."""

    fields: frozenset[Field]
    ngrams: NDArray[np.object_]
    presence: sp.csc_matrix
    by_row: sp.csr_matrix
    scale: NDArray[np.float32]
    rows: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Model:
    """Weights of the n-grams `kept` of each part, and a bias."""

    kept: list[NDArray[np.int64]]
    weights: list[NDArray[np.float64]]
    bias: float


class Learner:
    """Learns lexicons from the same documents. What n-grams they have is counted once, for all of them."""

    def __init__(self, documents: Documents) -> None:
        self._documents = documents
        self._parts: dict[bool, list[_Part]] = {}

    def fit(
        self, clauses: Sequence[str], recipe: Recipe, progress: Callable[[str, int, int], None] = lambda *_: None
    ) -> Fitted:
        """Learns a lexicon for `clauses`. `progress(what, done, of)`. Raises LearnError."""
        labels = self._documents.labels(clauses)
        for found, what in ((labels.positive, "of the clause"), (labels.benign, "benign")):
            if found.sum() < _MIN_POSITIVE:
                raise LearnError(f"{found.sum()} rows are {what}; {_MIN_POSITIVE} are needed")
        progress("counting n-grams", 0, _STEPS)
        if recipe.titles not in self._parts:
            self._parts[recipe.titles] = _parts(self._documents, recipe)
        return _fit(self._parts[recipe.titles], labels, self._written(recipe), recipe, progress)

    def _written(self, recipe: Recipe) -> NDArray[np.bool_]:
        return np.array([source.startswith(recipe.written) for source in self._documents.sources], np.bool_)


def _fit(
    parts: list[_Part],
    labels: Labels,
    written: NDArray[np.bool_],
    recipe: Recipe,
    progress: Callable[[str, int, int], None],
) -> Fitted:
    weight = np.where(labels.positive | labels.benign, 1.0, recipe.others)
    weight[labels.benign & written] = recipe.heed
    folds = np.random.default_rng(recipe.seed).integers(0, _FOLDS, labels.positive.size)
    scores = np.zeros(labels.positive.size)
    for fold in range(_FOLDS):
        progress("cross-validating", 1 + fold, _STEPS)
        rows = np.flatnonzero((folds != fold) & (weight > 0))
        others = np.flatnonzero(folds == fold)
        scores[others] = _score(_train(parts, labels, weight, rows, recipe), parts, others, recipe.length)
    progress("weighing n-grams", _FOLDS + 1, _STEPS)
    model = _train(parts, labels, weight, np.flatnonzero(weight > 0), recipe)
    progress("done", _STEPS, _STEPS)
    benign = np.sort(scores[labels.benign & ~written])[::-1]
    zero, one = _at_rate(benign, _LOOSE), _at_rate(benign, recipe.false_hits / 10_000)
    span = max(one - zero, 1e-6)
    return Fitted(
        bias=(model.bias - zero) / span,
        parts=[
            (part.fields, dict(zip(part.ngrams[kept], weights / span, strict=True)))
            for part, kept, weights in zip(parts, model.kept, model.weights, strict=True)
        ],
        recall=float((scores[labels.positive] >= one).mean()),
        false_hits=float((benign >= one).mean() * 10_000),
        positive=int(labels.positive.sum()),
        benign=int(labels.benign.sum()),
        length=recipe.length,
    )


def _at_rate(descending: NDArray[np.float64], rate: float) -> float:
    """The value that `rate` of the scores lie above: between two scores, so that it is none itself."""
    above = min(int(rate * descending.size), descending.size - 1)
    return float(descending[above - 1] + descending[above]) / 2 if above else float(descending[0]) + 0.01


def _parts(documents: Documents, recipe: Recipe) -> list[_Part]:
    joined = [
        f"{title}\0{text}" if title else text for title, text in zip(documents.titles, documents.texts, strict=True)
    ]
    whole = _part(joined, FIELDS_BY_DEFAULT)
    return [_part(documents.titles, _TITLE_FIELDS), whole] if recipe.titles else [whole]


def _part(texts: Sequence[str], fields: frozenset[Field]) -> _Part:
    counter = CountVectorizer(
        analyzer="char", ngram_range=(1, MAX_NGRAM), min_df=_MIN_ROWS, lowercase=False, dtype=np.float32
    )
    presence = counter.fit_transform(texts).tocsc()
    presence.data[:] = 1
    names = counter.get_feature_names_out()
    rows = np.asarray(presence.sum(axis=0)).ravel()
    written = sum(1 for text in texts if text)
    strange = set(unfolded({character for name in names for character in name} - {"\0"}))
    usable = np.array(
        [_usable(name, count / written) and strange.isdisjoint(name) for name, count in zip(names, rows, strict=True)],
        np.bool_,
    )
    rows = rows[usable].astype(np.float64)
    scale = np.sqrt(np.log(len(texts) / rows)).astype(np.float32)
    chosen = presence[:, usable].tocsc()
    return _Part(fields, names[usable], chosen, chosen.tocsr(), scale, rows)


def _usable(ngram: str, share: float) -> bool:
    """`share`: of the rows, how many have it."""
    if "\0" in ngram or not all(character.isprintable() or character == "\n" for character in ngram):
        return False
    return len(ngram) > 1 or not _CJK[0] <= ngram <= _CJK[1] or share < _COMMON


def _train(
    parts: Sequence[_Part], labels: Labels, weight: NDArray[np.float64], rows: NDArray[np.int64], recipe: Recipe
) -> _Model:
    """Weighs all n-grams, keeps the weightiest of each part, and weighs those again."""
    usable, scales = zip(*(_scaled(part, labels, rows, recipe) for part in parts), strict=True)
    first = _weigh(parts, usable, scales, labels.positive, weight, rows, recipe)
    kept: list[NDArray[np.int64]] = []
    for part, names, weights in zip(parts, usable, first.weights, strict=True):
        worth = np.abs(weights) * part.rows[names] ** recipe.common
        kept.append(np.sort(names[np.argsort(-worth, kind="stable")[: recipe.ngrams]]))
    return _weigh(parts, kept, scales, labels.positive, weight, rows, recipe)


def _scaled(
    part: _Part, labels: Labels, rows: NDArray[np.int64], recipe: Recipe
) -> tuple[NDArray[np.int64], NDArray[np.floating]]:
    """The n-grams of a part that can be learned from `rows`, and the scale of each of the part."""
    if recipe.contrast is None:
        return np.arange(part.ngrams.size, dtype=np.int64), part.scale
    own, near = rows[labels.positive[rows]], rows[labels.near[rows]]
    with_own, with_near = (
        np.bincount(part.by_row[chosen].indices, minlength=part.ngrams.size) for chosen in (own, near)
    )
    ratio = np.log((with_own + 1) / max(own.size, 1) / ((with_near + 1) / max(near.size, 1)))
    return np.flatnonzero(with_own + with_near >= recipe.near), part.scale * (np.abs(ratio) + recipe.contrast)


def _weigh(  # noqa: PLR0917
    parts: Sequence[_Part],
    kept: Sequence[NDArray[np.int64]],
    scales: Sequence[NDArray[np.floating]],
    positive: NDArray[np.bool_],
    weight: NDArray[np.float64],
    rows: NDArray[np.int64],
    recipe: Recipe,
) -> _Model:
    scaled = [scale[names] for scale, names in zip(scales, kept, strict=True)]
    matrix = sp.hstack(
        [
            _unit(part, names, rows, recipe.length) @ sp.diags(scale)
            for part, names, scale in zip(parts, kept, scaled, strict=True)
        ]
    )
    machine = LinearSVC(C=recipe.penalty, random_state=recipe.seed)
    machine.fit(matrix.tocsr(), positive[rows], sample_weight=weight[rows])
    ends = np.cumsum([names.size for names in kept])[:-1]
    weights = [own * scale for own, scale in zip(np.split(machine.coef_[0], ends), scaled, strict=True)]
    return _Model(list(kept), weights, float(machine.intercept_[0]))


def _score(model: _Model, parts: Sequence[_Part], rows: NDArray[np.int64], length: float) -> NDArray[np.float64]:
    scores = np.full(rows.size, model.bias)
    for part, kept, weights in zip(parts, model.kept, model.weights, strict=True):
        scores += _unit(part, kept, rows, length) @ weights
    return scores


def _unit(part: _Part, kept: NDArray[np.int64], rows: NDArray[np.int64], length: float) -> sp.csr_matrix:
    """Presence of the n-grams `kept` in `rows`, each row divided by a power of how many it has."""
    matrix = part.presence[:, kept].tocsr()[rows]
    known = np.asarray(matrix.sum(axis=1)).ravel()
    return (sp.diags(np.maximum(known, 1) ** -length) @ matrix).tocsr()
