"""Optimal binning."""
