"""How values are shown: numbers, and what stands in for pictures."""
