"""Stores on disk: engine, sealing, consumed nonces."""
