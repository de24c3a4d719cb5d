"""Whom a verifier believes, about what."""
