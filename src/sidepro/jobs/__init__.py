"""Background jobs: Taskiq tasks that call services, and their schedule."""
