"""The policy that sanctions while a canary judges for some accounts: the live pack's, and what only the canary has."""

from dataclasses import replace

from rules.packs.model import Pack


def joined(live: Pack, canary: Pack | None) -> Pack:
    """`live` with the clauses, ladders and rules of `canary` that it does not have itself.

    A subject's record is one, whoever charged it: so a ladder or clause that both have is the live pack's for all.
    """
    if canary is None:
        return live
    ladders = {**canary.ladders, **live.ladders}
    ladder_of = {**canary.ladder_of, **live.ladder_of}
    return replace(
        live,
        clauses={**canary.clauses, **live.clauses},
        ladders=ladders,
        ladder_of={clause: ladders[ladder.name] for clause, ladder in ladder_of.items()},
        rules={**canary.rules, **live.rules},
    )
