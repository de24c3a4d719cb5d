"""What was decided, and on what evidence."""
