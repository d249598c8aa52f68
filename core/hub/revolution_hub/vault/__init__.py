"""Keys and secrets: the master key, sealed credentials, fresh tokens. The only room with cryptography."""
