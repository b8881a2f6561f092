"""What is tracked, and the one sink that writes it to MLflow."""
