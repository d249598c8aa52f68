"""What starts an execution: deliveries are received, events matched to listeners. `match` is pure."""
