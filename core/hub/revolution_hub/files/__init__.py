"""Files: a folder of large payloads, which rows name by owner and content."""
