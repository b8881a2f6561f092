"""Hyperparameter search under a time budget."""
