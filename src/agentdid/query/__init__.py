"""What a verifier asks for."""
