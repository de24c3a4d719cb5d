"""Proofs over bytes and keys; knows no DID."""
