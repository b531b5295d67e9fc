"""Tables that the rules read: each file says what it holds and how it was made."""
