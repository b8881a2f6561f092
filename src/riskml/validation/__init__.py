"""Validation of a run's model, and every measure as a plain function of arrays."""
