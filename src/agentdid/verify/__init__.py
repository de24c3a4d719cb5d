"""The judgement: bytes in, decision out; asks for what it needs and does no I/O."""
