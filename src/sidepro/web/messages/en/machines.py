"""Texts of what machines read, and of the page without a network."""

from sidepro.web.messages.groups.machines import MachineTexts

TEXTS = MachineTexts(
    feed="New projects",
    offline="The server cannot be reached",
    offline_text="Check your connection, and try again in a moment.",
    try_again="Try again",
)
