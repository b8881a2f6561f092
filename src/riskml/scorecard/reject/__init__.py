"""Reject inference."""
