"""Capabilities, how a child is narrower than its parent, and what a chain permits."""
