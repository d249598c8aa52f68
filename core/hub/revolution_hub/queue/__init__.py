"""The only room with Dramatiq. Messages carry nothing: they only say that there is one more thing to do."""
