"""Fuzzing: hostile bytes for everything that reads what strangers write. `make fuzz`, and `test_corpus.py`."""
