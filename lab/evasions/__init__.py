"""Text as spammers disguise it: what the rules are tried against.

Made from what is known of spam, not from what the folding undoes, so that it says how folding does on what it was not
built for. `evade` applies one technique, `evade_twice` two; `TECHNIQUES` lists them.
"""

from lab.evasions.techniques import TECHNIQUES, Technique, evade, evade_twice

__all__ = ["TECHNIQUES", "Technique", "evade", "evade_twice"]
