"""The guarantee put to the test: sabotage on a real Kafka, then a comparison with the offline engine."""
