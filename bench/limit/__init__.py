"""What is left when the platform is taken away: the same work in as little code as can be."""
