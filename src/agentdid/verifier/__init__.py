"""The verifier: the judgement, with its sources, its nonces and its log."""
