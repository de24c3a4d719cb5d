"""What a verifier wants beyond what is true: its own rules on a request that the chain permits."""
