"""What the connector can do, one file per kind of thing."""
