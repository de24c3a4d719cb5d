"""DIDs: what to ask for, and what the answer says; no I/O."""
