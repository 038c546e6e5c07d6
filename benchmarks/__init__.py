"""Measurements, each beside its peer in one run: `python -m benchmarks.<name>` prints a table and one JSON line."""
