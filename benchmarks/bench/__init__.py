"""What the benchmarks share: servers, load, counted rows, figures."""
