"""Coffee chat: one room for each pair of people, its numbered messages and its presence."""
