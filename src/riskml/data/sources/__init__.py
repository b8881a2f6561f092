"""Sources of tables: CSV, Parquet, DuckDB files and databases."""
