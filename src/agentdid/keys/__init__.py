"""Keys: one table of algorithms, public keys that verify, signers that sign."""
