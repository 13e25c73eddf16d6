"""Texts of the frame and of the blocks that many screens share."""

from sidepro.web.messages.groups.blocks import BlockTexts
from sidepro.web.texts import Plural

TEXTS = BlockTexts(
    search="Search projects and people",
    display="Display settings",
    account="My menu",
    first_page="First",
    unread=Plural("{count} unread messages", "{count} unread message"),
    nobody="Unknown",
    skills="Skills",
    choose_image="Choose an image",
    find_skill="Find a skill",
    picked_skills="Chosen:",
    remove_filter="remove",
    views="Views",
    comments="Comments",
    bookmark="Bookmark",
)
