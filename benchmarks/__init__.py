"""Speed and memory of dubash beside its peers, on the same rows: `python -m benchmarks.run`."""
