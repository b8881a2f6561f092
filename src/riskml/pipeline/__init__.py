"""The stages of a run, and the monthly jobs that execute notebooks."""
