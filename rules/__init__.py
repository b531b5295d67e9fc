"""The judgement: pure functions of (events, state, pack). No Kafka, no asyncio, no wall clock."""
