"""Readers: lists and pages, each from one or two statements."""
