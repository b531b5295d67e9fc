"""The steps of folding, each in a file of its own; `rules.text` runs them over a batch."""
