"""Segmented scorecards."""
