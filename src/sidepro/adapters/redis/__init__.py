"""What several processes share in Redis. Each adapter says what it does while Redis is away."""
