"""`python -m streams.cli` is `warden`."""

from streams.cli import main

main()
