"""Who is similar to whom: the engine of the similarity job, and its results as arrays."""
