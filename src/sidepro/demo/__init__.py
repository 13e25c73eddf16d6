"""Demo data: people, projects, comments and chats, generated from a seed.

The words are data files (`data/`), and `drawings` paints the pictures. `generator` draws the data,
and `seeder` writes them.
"""
