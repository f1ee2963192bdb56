"""Programs that each bring one fleet to what its sources say: `python -m benchmarks.programs.<name> job.json`."""
