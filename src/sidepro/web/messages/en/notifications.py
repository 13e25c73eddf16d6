"""Texts of notifications, in English."""

from sidepro.web.messages.groups.notifications import NotificationTexts
from sidepro.web.texts import Plural

TEXTS = NotificationTexts(
    title="Notifications",
    unread=Plural("{count} unread notifications", "{count} unread notification"),
    mark_read="Mark all as read",
    new="New",
    none="No notifications yet",
    none_hint="Comments and bookmarks on your projects show up here.",
    sentences={
        "request": "{name} asked you for a coffee chat.",
        "accepted": "{name} accepted your request for a coffee chat.",
        "comment": Plural(
            "{name} commented on “{title}”. There are {count} new comments.",
            "{name} commented on “{title}”.",
        ),
        "bookmarks": Plural(
            "{name} and {more} more bookmarked “{title}”.",
            "{name} bookmarked “{title}”.",
        ),
        "report-decided": "Moderators have decided on your report.",
        "moderated": "Moderators have reviewed something you posted.",
    },
    settings="Notification settings",
    settings_text="Choose what we tell you about, and how.",
    kinds={
        "request": "Requests for a coffee chat",
        "accepted": "Accepted requests",
        "comment": "Comments on my projects",
        "bookmarks": "Bookmarks on my projects",
        "report-decided": "Results of my reports",
        "moderated": "Moderators’ decisions on my content",
        "messages": "Unread messages",
    },
    deliveries={"off": "Off", "web": "Here only", "mail": "Here and by email"},
)
