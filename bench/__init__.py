"""Measures the platform from outside: `./just bench`. Results: docs/performance.md."""
