"""Recommendations: projects by people with similar skills (Jaccard similarity)."""
