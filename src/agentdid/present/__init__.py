"""Wire forms of asking and presenting; no I/O."""
