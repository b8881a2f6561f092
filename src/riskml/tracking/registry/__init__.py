"""The MLflow model registry: versions, aliases, decisions."""
