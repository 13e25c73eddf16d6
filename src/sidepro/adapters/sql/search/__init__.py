"""The board's search: filters, n-grams, access paths and statements."""
