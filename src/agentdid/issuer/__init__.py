"""The issuer: credentials minted, revoked and published."""
