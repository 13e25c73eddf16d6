"""Coffee chats: rooms of two people, with numbered messages and presence."""
