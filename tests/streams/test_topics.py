"""Topics as specs, and what is said about a broker that does not tell its topics' settings."""

import asyncio

import pytest

from rules.events import MAX_EVENT_BYTES, STRUCTS
from streams import topics
from streams.settings import Settings
from streams.topics import dead_letter_bytes, topic_names, topic_specs, verify_topics


def test_all_topics_but_the_controls_and_the_packs_share_one_partition_count_and_carry_the_prefix() -> None:
    specs = topic_specs(Settings(partitions=5, topic_prefix="cn."))

    assert {spec.partitions for role, spec in specs.items() if role not in {"controls", "packs"}} == {5}
    assert specs["controls"].partitions == specs["packs"].partitions == 1
    assert [spec.name for spec in specs.values()] == list(topic_names(Settings(topic_prefix="cn.")))


def test_the_ban_list_the_words_and_the_packs_are_compacted_and_have_no_retention() -> None:
    specs = topic_specs(Settings(retention_dead_letters_hours=0))

    assert {role for role, spec in specs.items() if spec.cleanup == "compact"} == {"bans", "operator_words", "packs"}
    assert not any("retention.ms" in specs[role].configs() for role in ("bans", "operator_words", "packs"))
    assert specs["dead_letters"].configs()["retention.ms"] == "-1"
    assert specs["controls"].configs()["retention.ms"] == "-1"
    assert specs["posts"].configs()["retention.ms"] == str(168 * 3_600_000)


def test_whatever_an_input_topic_takes_fits_the_dead_letters() -> None:
    specs = topic_specs(Settings(max_record_bytes=20_000_000))

    assert all(specs[role].max_message_bytes == 20_000_000 > MAX_EVENT_BYTES for role in topics.INPUTS.values())
    assert specs["dead_letters"].max_message_bytes == dead_letter_bytes(Settings(max_record_bytes=20_000_000))
    assert specs["dead_letters"].max_message_bytes > 20_000_000


def test_every_type_of_event_has_its_topic() -> None:
    names = topic_names(Settings(topic_prefix="x"))

    assert [names.input(kind) for kind in STRUCTS] == [
        "xposts", "xshares", "xmass_sends", "xreports", "xappeals", "xreview_decisions", "xorders"
    ]  # fmt: skip


class SilentAdmin:
    """A broker that has all topics, and knows no request for their settings."""

    def __init__(self, **_: object) -> None:
        pass

    async def start(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def describe_topics(self) -> list[dict[str, object]]:
        return [
            {"topic": spec.name, "partitions": [{"error_code": 0}] * spec.partitions}
            for spec in topic_specs(Settings()).values()
        ]

    async def describe_configs(self, _: object) -> None:
        raise ConnectionError("unsupported")


def test_a_broker_that_does_not_tell_settings_gets_a_note_and_no_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(topics, "AIOKafkaAdminClient", SilentAdmin)

    verified = asyncio.run(verify_topics(Settings()))

    assert verified.problems == []
    assert verified.notes == ["this broker does not tell topics' settings (ConnectionError): cleanup is not verified"]
