"""agentdid."""
