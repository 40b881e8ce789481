"""What a rehearsal costs, as ratios to a stated floor measured in the same run: docs/benchmark.md."""
