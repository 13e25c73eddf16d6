"""Taskiq tasks and their schedule: a few lines each, which call services."""
