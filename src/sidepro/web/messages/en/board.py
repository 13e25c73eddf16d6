"""Texts of the board."""

from sidepro.web.messages.groups.board import BoardTexts
from sidepro.web.texts import Plural

TEXTS = BoardTexts(
    title="Browse side projects",
    welcome=("Built after work,", "shown over coffee"),
    welcome_text=(
        "Developers show their side projects here, and meet people who use the same tools"
        " over a coffee chat."
    ),
    hello="Who will you have coffee with today?",
    no_profile="Add your skills to your profile to see projects by people like you.",
    write_profile="Write your profile",
    similar="Projects by people like you",
    popular="Popular projects",
    shuffle="Show others",
    also_uses="{name} also uses {skills}",
    also_uses_more=Plural(
        "{name} uses {skills} and {count} more of your skills",
        "{name} uses {skills} and one more of your skills",
    ),
    is_popular="Bookmarked a lot",
    found="Search results",
    total=Plural("{count} projects", "{count} project"),
    sorting="Sort",
    sorts={
        "newest": "Newest",
        "trending": "Trending",
        "popular": "Bookmarks",
        "views": "Views",
    },
    pick_skills="Skills",
    matching="Projects that use",
    matches={"any": "any of these", "all": "all of these"},
    apply="Apply",
    filters="Filters",
    text_filter="“{words}”",
    author_filter="By {name}",
    unknown_author="unknown author",
    clear="Clear all",
    nothing="No projects found",
    nothing_hint="Try removing a filter.",
    drop="Remove {filter}",
    nothing_yet="No projects yet",
    nothing_yet_hint="Publish the first one.",
    labels={
        "q": "Search",
        "skill": "Skills",
        "author": "Author",
        "sort": "Sort",
        "match": "Match",
    },
)
