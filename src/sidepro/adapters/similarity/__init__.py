"""The engine of the similarity job (NumPy and Polars), and its results as arrays."""
