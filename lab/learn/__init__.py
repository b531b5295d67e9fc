"""Learning lexicons from labelled text: which n-grams speak for a clause, and how much."""
