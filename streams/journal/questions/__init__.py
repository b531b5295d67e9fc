"""Questions to the journal, each of bounded cost. All take a connection first, and are asked through `Journal.ask`."""

from streams.journal.questions.cases import FoundReview, oldest_reviews, open_reviews, review, reviews, reviews_of
from streams.journal.questions.dead_letters import KeptLetter, LettersPage, dead_letters
from streams.journal.questions.feed_pages import LOOKED_AT, Filter, Missed, Page, feed, missed, violations_page
from streams.journal.questions.records import AuditEntry, audit, halts, record, refused_among, violation, violations
from streams.journal.questions.subject_records import (
    MOST_ENTRIES,
    KnownSubject,
    SubjectEntry,
    Totals,
    appeals,
    bans,
    refusals,
    subjects,
    timeline,
    totals,
)
from streams.journal.questions.tallies import MOST_SUBJECTS, Counts, RuleHour, counts, rule_hours, subjects_hit, value

__all__ = [
    "LOOKED_AT",
    "MOST_ENTRIES",
    "MOST_SUBJECTS",
    "AuditEntry",
    "Counts",
    "Filter",
    "FoundReview",
    "KeptLetter",
    "KnownSubject",
    "LettersPage",
    "Missed",
    "Page",
    "RuleHour",
    "SubjectEntry",
    "Totals",
    "appeals",
    "audit",
    "bans",
    "counts",
    "dead_letters",
    "feed",
    "halts",
    "missed",
    "oldest_reviews",
    "open_reviews",
    "record",
    "refusals",
    "refused_among",
    "review",
    "reviews",
    "reviews_of",
    "rule_hours",
    "subjects",
    "subjects_hit",
    "timeline",
    "totals",
    "value",
    "violation",
    "violations",
    "violations_page",
]
