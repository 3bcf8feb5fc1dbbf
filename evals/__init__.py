"""How well the bot understands people: test questions in four languages, and what becomes of them."""
