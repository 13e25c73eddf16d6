"""Texts of what machines read, and of the page without a network."""

from sidepro.web.messages.groups.machines import MachineTexts

TEXTS = MachineTexts(
    feed="New projects",
    offline="You are offline",
    offline_text="Check your connection and try again.",
    try_again="Try again",
)
