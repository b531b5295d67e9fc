"""One input after the other, applied to the records of their subjects: the heart of ENFORCE. Pure.

A violation becomes an offence, unless it is known or retracted, and announces what it newly leads to; one that a person
must approve opens or changes a review instead. A moderator's decision changes which offences count; what follows no
more is lifted, what follows instead is announced, and the records of linked subjects are told.
"""

from typing import assert_never

from rules.charging import Charging
from rules.decisions import Violation
from rules.docket import Docket
from rules.events import Appeal, Moderation, Order, Report, ReviewDecision
from rules.moderating import Moderating
from rules.relays import Evading, Relay, Retraction
from rules.reporters import Inquiry, Outcome, Testimony
from rules.reporting import Reporting
from rules.subject_state import Record

SubjectInput = Violation | Report | Moderation | Relay
_TO_REPORTERS = (Inquiry, Outcome)
_FROM_PEOPLE = (Report, Appeal, ReviewDecision, Order)


class Hearing:
    """The inputs of one batch."""

    def __init__(self, docket: Docket, charging: Charging) -> None:
        self._docket = docket
        self._charging = charging
        self._moderating = Moderating(docket, charging)
        self._reporting = Reporting(docket)
        self.reporters = self._reporting.reporters

    def apply(self, item: SubjectInput) -> None:
        """Applies one input. Raises InvalidEventError for a moderator's decision with nothing to decide."""
        if isinstance(item, _TO_REPORTERS):
            self._reporting.to_reporter(item)
        elif self._apply(self._docket.record(item.subject), item):
            self._docket.changed[item.subject] = None
        elif isinstance(item, _FROM_PEOPLE):
            self._docket.repeated[item.type] += 1

    def _apply(  # noqa: PLR0911 - one for each kind of input
        self, of: Record, item: Violation | Report | Moderation | Retraction | Evading | Testimony
    ) -> bool:
        """Whether the state changed."""
        match item:
            case Violation():
                return self._charging.violation(of, item)
            case Report():
                return self._reporting.report(of, item)
            case Testimony():
                return self._reporting.testimony(of, item)
            case Appeal():
                return self._moderating.appeal(of, item)
            case ReviewDecision():
                return self._moderating.decision(of, item)
            case Order():
                return self._moderating.order(of, item)
            case Retraction():
                return self._moderating.retraction(of, item)
            case Evading():
                return self._charging.evading(of, item)
            case _ as never:
                assert_never(never)
