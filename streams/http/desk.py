"""What the console's API stands on: the journal, the policy and the workers, started and stopped with the process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from streams.http.audit import audit_routes
from streams.http.controls import Engine, control_routes
from streams.http.dead_letters import dead_letter_routes
from streams.http.decisions import Decisions, decision_routes
from streams.http.evidence import Events, evidence_routes
from streams.http.explain import Playground, explain_routes
from streams.http.feed import Feed, feed_routes
from streams.http.now import Now, now_routes
from streams.http.policy import policy
from streams.http.reviews import review_routes
from streams.http.routes import Route
from streams.http.rulebook import rulebook_routes
from streams.http.rules import Rules, rules_routes
from streams.http.server import Doorkeeper
from streams.http.subjects import Subjects, subject_routes
from streams.http.violations import violation_routes
from streams.http.workers import workers
from streams.journal.journal import journal
from streams.settings import Settings


@asynccontextmanager
async def desk(settings: Settings, doorkeeper: Doorkeeper) -> AsyncIterator[Sequence[Route]]:
    """The routes of the console's API. Raises JournalError."""
    async with AsyncExitStack() as stack:
        told = await stack.enter_async_context(journal(settings))
        doorkeeper.state.metrics.watch_journal(lambda: told.progress)
        rules = await stack.enter_async_context(policy(settings))
        group = await stack.enter_async_context(workers(settings))
        events = Events(settings)
        stack.push_async_callback(events.close)
        now = Now(told, rules, group)
        feed = Feed(told, doorkeeper, now)
        stack.push_async_callback(feed.stop)
        feed.start()
        yield [
            *now_routes(now),
            *feed_routes(feed),
            *review_routes(told),
            *subject_routes(Subjects(settings, told, rules, group)),
            *decision_routes(Decisions(settings, told)),
            *evidence_routes(told, rules, events),
            *explain_routes(Playground(rules)),
            *rulebook_routes(rules),
            *violation_routes(told),
            *dead_letter_routes(told),
            *rules_routes(Rules(told, rules, group)),
            *control_routes(Engine(settings, rules)),
            *audit_routes(told),
        ]
