"""Access to Kafka: TLS and SASL as settings say, for every client there is, and what a failed connection means."""
