"""Features and the prepared table."""
