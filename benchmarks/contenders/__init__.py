"""Who is compared: one file for each, all carrying out the same stages (`stages.py`)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Contender:
    """One way of moving records. `command` follows `python -m`; settings come in the environment.

    share:  of a run's events, how many it is given: slow ones take as long with fewer; past 1 they come again.
    judges: whether it judges at all; the ceiling does not.
    """

    name: str
    title: str
    command: tuple[str, ...]
    share: float = 1.0
    judges: bool = True


STREAMWARDEN = Contender("streamwarden", "Streamwarden", ("streams.cli", "worker"))
CONTENDERS = (
    STREAMWARDEN,
    Contender("stock_faust_event", "stock Faust, per event", ("benchmarks.contenders.faust_agents",), 0.05),
    Contender("stock_faust_take", "stock Faust, take", ("benchmarks.contenders.faust_agents", "--take"), 0.15),
    Contender("quix_streams", "Quix Streams", ("benchmarks.contenders.quix",), 0.05),
    Contender("confluent_kafka", "plain confluent-kafka loop", ("benchmarks.contenders.confluent_loop",)),
    Contender("aiokafka", "plain aiokafka loop", ("benchmarks.contenders.aiokafka_loop",)),
    Contender("ceiling", "aiokafka doing nothing", ("benchmarks.contenders.ceiling",), 4.0, judges=False),
)
RATIOS = {
    "stock_faust": "stock_faust_event",
    "stock_faust_take": "stock_faust_take",
    "quix_streams": "quix_streams",
    "confluent_kafka": "confluent_kafka",
    "aiokafka": "aiokafka",
    "ceiling": "ceiling",
}
"""What Streamwarden's events a second are divided by. A stock Faust agent is `async for event in stream`;
`take`, Faust's way to work on what came together, has a ratio of its own."""
