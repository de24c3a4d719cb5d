"""Bytes and text, one spelling per value: strict JSON, base encodings, varints."""
