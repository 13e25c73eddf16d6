"""How templates are rendered, and how they show values such as dates, numbers and links."""
