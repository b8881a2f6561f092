"""Runs on disk: folders, records, summaries, comparison."""
