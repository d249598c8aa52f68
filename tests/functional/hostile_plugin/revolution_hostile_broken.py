"""A plugin that fails while it is imported; the hub lists it and goes on."""

raise ImportError("a library this plugin needs is not there")
