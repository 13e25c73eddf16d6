"""Texts of what machines read, and of the page without a network."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MachineTexts:
    feed: str
    offline: str
    offline_text: str
    try_again: str
