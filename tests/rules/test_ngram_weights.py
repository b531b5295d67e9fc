"""`rules/ngram_weights.py` against a dictionary."""

from hypothesis import given
from hypothesis import strategies as st

from rules.ngram_weights import NgramWeights

CHARACTERS = st.characters(exclude_characters="\0", exclude_categories=("Cs",))
NGRAMS = st.text(CHARACTERS, min_size=1, max_size=4)


@given(st.dictionaries(NGRAMS, st.floats(-1000, 1000)), st.lists(NGRAMS))
def test_it_says_what_a_dictionary_says(weights: dict[str, float], others: list[str]) -> None:
    made = NgramWeights(weights)
    assert list(made.items()) == list(weights.items())
    assert (list(made), list(made.values()), len(made)) == (list(weights), list(weights.values()), len(weights))
    assert {name: made.get(name) for name in (*weights, *others)} == {
        name: weights.get(name) for name in (*weights, *others)
    }
    assert made == weights
