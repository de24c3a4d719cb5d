"""did:webvh 1.0: a DID whose whole history is a log that proves itself (docs/did-webvh.md).

No I/O: `identifier` says what to ask for, `log` makes a verified `History` of the answer, `witness` holds the second
file against it, `resolve` picks a version, and `write` makes the next line of a log.
"""
