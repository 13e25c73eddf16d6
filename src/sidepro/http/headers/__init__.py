"""Header fields of requests: entity tags, idempotency keys, languages, and their weights."""
