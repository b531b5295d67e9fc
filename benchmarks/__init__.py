"""Benchmarks: each prints figures, and documents cite the command that printed them."""
