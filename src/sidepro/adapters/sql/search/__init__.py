"""Finding projects: keyset pagination, n-grams and access paths."""
