"""The families of models, their search, and the classifier that compares them."""
