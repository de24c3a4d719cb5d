"""What is kept of what was decided and done, so that a change of it shows."""
