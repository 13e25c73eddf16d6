"""Texts of the pages of people."""

from sidepro.web.messages.groups.people import PeopleTexts

TEXTS = PeopleTexts(
    description="See the side projects of {name}, and ask for a coffee chat.",
    ask="Ask for a coffee chat",
    ask_hint="Log in to ask for a coffee chat.",
    joined="Joined on {date}",
    edit="Edit profile",
    sections="Projects and bookmarks",
    projects="Projects",
    bookmarks="Bookmarks",
    no_projects="No projects yet",
    no_bookmarks="No bookmarks yet",
    browse="Browse projects",
    no_profile="{name} has not written a profile yet.",
    region="Region",
    meet_time="Good time to meet",
    github="GitHub",
)
