"""A target of the mayday protocol, version 1, written from docs/PROTOCOL.md alone."""
