"""W3C Verifiable Credentials Data Model 2.0: shapes and validity."""
