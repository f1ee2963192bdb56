"""Benchmarks of the engine beside a floor and its peers; `scripts/bench` runs them, README.md tells of them."""
