"""Demo data that looks real: people, projects, comments and chats, all drawn from one seed.

`kinds` says which skills go together, the four word banks hold what people write, `content` puts
sentences together, and `population` makes the people who write them.
"""
