"""POST /v1/controls and /v1/packs/…: what changes the engine itself, as `warden halt`, `resume` and `packs` do."""

from collections.abc import Awaitable, Sequence
from typing import Annotated, Literal, TypeVar

import msgspec

from rules.activations import Activation, Standing
from rules.controls import ControlRecord, Do
from rules.events import Name
from rules.packs.source import did_you_mean
from streams.activating import ActivationError, put, to_activate, to_roll_back
from streams.controls import control_record, current_controls, put_control
from streams.http.decisions import Reason, away
from streams.http.policy import Policy
from streams.http.problems import Problem
from streams.http.routes import Call, Route
from streams.pack_topic import current_packs
from streams.settings import Settings
from streams.topics import TopicsError

T = TypeVar("T")


class ControlBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Halt or resume all automatic enforcement, or that of one rule."""

    do: Do
    reason: Reason
    rule: Name | None = None


class ControlAnswer(msgspec.Struct):
    """The record, and its offset on the topic. halted, rules_halted: what is in shadow by control now."""

    record: ControlRecord
    offset: int
    halted: bool
    rules_halted: list[str]


class ActivateBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which pack - `live`, `canary`, `shadow`, a label, or the start of a digest - is put in force how; `percent`: of
    accounts, for a canary."""

    pack: Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
    reason: Reason
    do: Literal["live", "canary", "shadow"] = "live"
    percent: Annotated[float, msgspec.Meta(gt=0, le=100)] | None = None


class RollbackBody(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Takes the newest activation back. of: its offset, as it was shown; when it is another one by now, nothing is."""

    reason: Reason
    of: int | None = None


class ActivationAnswer(msgspec.Struct):
    """The record, its offset, and what is in force from there on."""

    record: Activation
    offset: int
    in_force: Standing


class Engine:
    """Writes controls and activations."""

    def __init__(self, settings: Settings, policy: Policy) -> None:
        self._settings, self._policy = settings, policy

    async def control(self, call: Call) -> ControlAnswer:
        """POST /v1/controls."""
        body: ControlBody = call.body
        if body.rule is not None:
            await self._check_rule(body.rule)
        try:
            record = control_record(body.do, body.rule, why=body.reason, by=call.who.name)
        except ValueError as error:
            raise Problem(400, "invalid", "Workers would refuse it", str(error)[:300]) from None
        offset = await asked(put_control(self._settings, record))  # before anything else: a halt is urgent
        now = (await asked(current_controls(self._settings))).log.controls
        return ControlAnswer(record, offset, now.halted, sorted(now.shadowed))

    async def activate(self, call: Call) -> ActivationAnswer:
        """POST /v1/packs/activate."""
        body: ActivateBody = call.body
        if (body.do == "canary") != (body.percent is not None):
            raise Problem(400, "invalid", "Bad body", "`percent` belongs to a canary, and to nothing else")
        topic = await asked(current_packs(self._settings))
        try:
            record = to_activate(topic, body.pack, body.do, why=body.reason, by=call.who.name, percent=body.percent)
        except ActivationError as error:
            raise Problem(400, "unknown_pack", "It cannot be activated", _line(error)) from None
        return await self._put(record)

    async def roll_back(self, call: Call) -> ActivationAnswer:
        """POST /v1/packs/rollback."""
        body: RollbackBody = call.body
        topic = await asked(current_packs(self._settings))
        if body.of is not None and body.of != topic.log.newest.at:
            raise Problem(409, "stale", "Something else is in force by now", "look at it again")
        try:
            record = to_roll_back(topic, why=body.reason, by=call.who.name)
        except ActivationError as error:
            raise Problem(409, "nothing", "There is nothing to take back", _line(error)) from None
        return await self._put(record)

    async def _put(self, record: Activation) -> ActivationAnswer:
        try:
            offset, topic = await asked(put(self._settings, None, record))
        except ActivationError as error:
            raise Problem(409, "stale", "Somebody else was faster", _line(error)) from None
        return ActivationAnswer(record, offset, topic.log.standings[offset])

    async def _check_rule(self, rule: str) -> None:
        """Raises Problem (400) for a rule that neither the live pack has nor a control names."""
        rules = self._policy.live.rules
        if rule in rules or rule in (await asked(current_controls(self._settings))).log.controls.shadowed:
            return
        raise Problem(400, "unknown_rule", "The live pack has no such rule", did_you_mean(rule, rules)[:300])


async def asked(question: Awaitable[T]) -> T:
    """What the brokers answer. Raises Problem (503)."""
    try:
        return await question
    except (TopicsError, TimeoutError) as error:
        raise away(error) from None


def _line(error: ActivationError) -> str:
    return str(error).splitlines()[0][:300]


def control_routes(engine: Engine) -> Sequence[Route]:
    """POST /v1/controls, /v1/packs/activate and /v1/packs/rollback."""
    kafka = {503: "Kafka does not answer"}
    stale = {409: "somebody else was faster: something else is in force by now", **kafka}
    return (
        Route(method="POST", path="/v1/controls", role="admin", handler=engine.control, body=ControlBody,
              answer=ControlAnswer, tag="engine", problems=kafka,
              summary="Put automatic enforcement, or one rule, to shadow within a second; or let it go on"),
        Route(method="POST", path="/v1/packs/activate", role="admin", handler=engine.activate, body=ActivateBody,
              answer=ActivationAnswer, tag="engine", problems=stale,
              summary="Put a published pack in force: for all, for some accounts, or in shadow"),
        Route(method="POST", path="/v1/packs/rollback", role="admin", handler=engine.roll_back, body=RollbackBody,
              answer=ActivationAnswer, tag="engine", problems=stale, summary="Take the newest activation back"),
    )  # fmt: skip
