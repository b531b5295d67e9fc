"""The door: `POST /v1/events`, for feeds that do not speak Kafka."""
