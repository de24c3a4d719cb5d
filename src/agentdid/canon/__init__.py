"""Canonical bytes: RFC 8785."""
