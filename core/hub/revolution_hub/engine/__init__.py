"""What happens in an execution. `plan`, `retry` and `settle` decide and are pure; the others do."""
