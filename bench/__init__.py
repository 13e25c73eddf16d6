"""What the platform costs, measured from outside: `./just bench`. Figures: docs/performance.md."""
