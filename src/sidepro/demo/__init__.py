"""Demo data: people, projects, comments and chats, generated from a seed.

The words are data files (`data/`); `generator` draws the data and `seeder` writes them.
"""
