"""N-grams and their weights, kept small: a pack has a hundred thousand, and a dictionary takes 110 bytes for each."""

from collections.abc import ItemsView, Iterator, Mapping, ValuesView

import numpy as np


class NgramWeights(Mapping[str, float]):
    """N-gram -> weight, in the order they were given; some 30 bytes each. Looking one up takes some microseconds."""

    __slots__ = ("_names", "_order", "_weights")

    def __init__(self, weights: Mapping[str, float]) -> None:
        """`weights`: none of its n-grams is empty or ends with a NUL."""
        self._names = np.array(list(weights) or [""], np.str_)[: len(weights)]
        self._weights = np.fromiter(weights.values(), np.float64, len(weights))
        self._order = np.argsort(self._names).astype(np.int32)

    def __getitem__(self, ngram: str) -> float:
        at = int(np.searchsorted(self._names, ngram, sorter=self._order))
        if at == len(self._order) or self._names[self._order[at]] != ngram:
            raise KeyError(ngram)
        return float(self._weights[self._order[at]])

    def __iter__(self) -> Iterator[str]:
        return iter(self._names.tolist())

    def __len__(self) -> int:
        return len(self._order)

    def items(self) -> ItemsView[str, float]:
        """Without looking each up."""
        return _Items(self)

    def values(self) -> ValuesView[float]:
        """Without looking each up."""
        return _Values(self)

    def listed(self) -> list[float]:
        """The weights alone, in order."""
        weights: list[float] = self._weights.tolist()
        return weights


class _Items(ItemsView[str, float]):
    _mapping: NgramWeights

    def __iter__(self) -> Iterator[tuple[str, float]]:
        return zip(self._mapping, self._mapping.listed(), strict=True)


class _Values(ValuesView[float]):
    _mapping: NgramWeights

    def __iter__(self) -> Iterator[float]:
        return iter(self._mapping.listed())
