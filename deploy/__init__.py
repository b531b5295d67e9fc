"""How Streamwarden is brought to where it runs: `kubernetes/`, and what is written for it from other files."""
