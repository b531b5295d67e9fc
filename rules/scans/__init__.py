"""Scans: loops over every character of a batch, and nothing else. Compiled when the package is installed.

Each module is plain Python, typed for Cython by the `.pxd` file beside it; `setup.py` compiles them, with bounds
checked but in `ngrams`, and the numbers of `constants` written in. Without a compiler they run as they are, with the
same results, but some hundred times slower: `COMPILED` says which it is. Arguments are flat arrays, as memoryviews;
what calls them is in numpy, where all else is done for the whole batch at once.
"""

from rules.scans import ngrams

COMPILED = not ngrams.__file__.endswith(".py")
"""Whether the scans were compiled."""
