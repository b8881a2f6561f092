"""HTML and tables of binners and scorecards."""
