"""Pictures, tables and the one-page report."""
