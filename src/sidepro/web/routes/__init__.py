"""The routes of the screens, a module for each group of screens."""
