"""Credential status: lists and what they say of one entry."""
