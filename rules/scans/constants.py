"""Numbers in the loops of the scans. The compiler gets them as literals (`setup.py`): a variable would be read anew in
every round, because it cannot know that nobody writes to it."""

CHINESE, DROPPED, BREAK, LETTER, DIGIT, NUMERAL, GONE, WIDE = 1, 2, 4, 8, 16, 32, 64, 128
"""Kinds of characters, as in `rules.folding.points`."""
MARKED = DROPPED | BREAK | LETTER | DIGIT | NUMERAL
LOOKED_AT = DROPPED | GONE | WIDE
FILLING = DROPPED | BREAK
OVERRIDE = 0x202E
FIRST_INDICATOR, LAST_INDICATOR = 0x1F1E6, 0x1F1FF
NEWLINE = 10

BACKWARDS, STRONGLY, LISTED, INNER = 1, 2, 28, 32
"""Flags of pairs, as in `rules.folding.sign_tables`; the listed ones are parts, variants and contacts."""
SINGLE, BESIDE = 1, 2
"""Signs of gaps, and INNER."""
NEAR = 7
"""Characters within which three pairs the wrong way round are a sign."""
CLOSE = 3
"""The same, for two pairs of which one is very common."""
LEAST_SPELLED = 4
"""Pairs of digits one by one."""
LEAST_DICTATED = 5

LETTER_BITS = 14
"""Of a letter in the key of a trie's slot; above it is the slot that it goes on from."""
MORE, HERE = 1, 2
"""Bits below a key: n-grams go on; one ends here."""
HERE_BIT = 1
KEY_SHIFT = 2
LAST_MARK = (1 << 15) - 1
CHUNK = 63
"""Characters looked at together. They have at most 252 n-grams, which a byte can count."""
LONGEST = 4
"""Letters of the longest n-gram."""
