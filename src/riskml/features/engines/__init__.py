"""Engines that compute features: DuckDB and Spark."""
