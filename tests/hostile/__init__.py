"""Hostile inputs, by kind: `python -m tests.hostile` tries all of them, see docs/reliability.md."""
