"""Texts of the frame and of the blocks that many screens share."""

from sidepro.web.messages.groups.blocks import BlockTexts

TEXTS = BlockTexts(
    search="Search projects and people",
    display="Display settings",
    account="My menu",
    first_page="First",
    nobody="Unknown",
    skills="Skills",
    remove_filter="remove",
    views="Views",
    comments="Comments",
    bookmark="Bookmark",
)
