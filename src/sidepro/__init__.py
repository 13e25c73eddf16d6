"""SidePro: a board of side projects, and coffee chats between the people behind them."""
