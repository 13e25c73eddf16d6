"""Lower bounds: the same work in as little code as possible."""
