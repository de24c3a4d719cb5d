"""Signers whose keys live elsewhere: in a PKCS#11 token, or in a key service."""
