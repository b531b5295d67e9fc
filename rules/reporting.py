"""Users' reports on the records of those they report, and the mail between these and the reporters' own. Pure."""

from collections.abc import Iterable

from rules.announcing import Trigger
from rules.decisions import content_id
from rules.docket import BY_REPORT, Docket
from rules.events import Report, from_millis
from rules.offences import Offence
from rules.reporters import Inquiry, Outcome, ReporterState, Testimony, decode_reporter, learn, take
from rules.reports import StoredReport, answered, inquiry, outcomes, remember, stored
from rules.subject_state import WAITING, Record


class Reporting:
    """Applies reports, and what is known of reporters, to a docket. `reporters` are the states that changed."""

    def __init__(self, docket: Docket) -> None:
        self._docket = docket
        self.reporters: dict[str, ReporterState] = {}

    def report(self, of: Record, item: Report) -> bool:
        """A report of a subject; whether its record changed. It counts once its reporter's record has answered."""
        report = stored(item)
        if not self._remember(of, report):
            return False
        self._docket.relays.append(inquiry(of.subject, report))
        return True

    def testimony(self, of: Record, item: Testimony) -> bool:
        """What the record of a reporter says; whether that of the reported subject changed."""
        if not self._remember(of, answered(item)):
            return False
        for key in list(of.state.offences):
            if key.endswith(WAITING):
                self._docket.open(of, key, BY_REPORT, Trigger("", [], item.time))
                self._docket.close_unripe(of, key, Trigger("", [], item.time))
        return True

    def to_reporter(self, item: Inquiry | Outcome) -> None:
        """Mail to a reporter's own record, which answers."""
        state = self.reporters.get(item.subject)
        if state is None:
            state = self.reporters[item.subject] = decode_reporter(self._docket.state_of(item.subject))
        self._docket.relays += take(state, item) if isinstance(item, Inquiry) else learn(state, item)

    def _remember(self, of: Record, report: StoredReport) -> bool:
        reports = remember(of.state.reports, report)
        if reports is of.state.reports:
            return False
        of.state.reports = reports
        of.state.time = max(of.state.time, report.time)
        return True


def tell_reporters(docket: Docket, of: Record, about: Iterable[Offence], *, upheld: bool, time: int) -> None:
    """Tells everybody who was heard about offences whether they were right, once that is decided at `time` ms.

    A case goes by its first offence, so that a verdict on an enforcement takes the place of that on its review.
    """
    cases: dict[str, list[Offence]] = {}
    for offence in sorted(about):
        cases.setdefault(offence.clause, []).append(offence)
    for clause, found in cases.items():
        wanted = docket.pack.clauses[clause].reports if clause in docket.pack.clauses else None
        if wanted is not None:
            docket.relays += outcomes(
                of.subject,
                content_id("case", of.subject, found[0].cause.hex()),
                of.state.reports,
                upheld=upheld,
                decided=from_millis(time),
                times=[offence.time for offence in found],
                wanted=wanted,
            )
