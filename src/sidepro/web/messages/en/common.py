"""Texts that every page has."""

from sidepro.web.messages.groups.common import CommonTexts

TEXTS = CommonTexts(
    site="SidePro",
    tagline="Show your side project, meet over a coffee chat",
    skip="Skip to content",
    menu="Main menu",
    browse="Browse",
    publish="Publish a project",
    chats="Coffee chats",
    my_page="My page",
    operator="Operator",
    log_in="Log in",
    log_out="Log out",
    sign_up="Sign up",
    language="Language",
    languages={"ko": "한국어", "en": "English"},
    colours="Colours",
    colour_names={"auto": "As on this device", "light": "Light", "dark": "Dark"},
    apply="Apply",
    previous="Previous",
    next="Next",
    pages="Pages",
    required="required",
    optional="optional",
    form_errors="Please check what you entered",
    done={
        "left-room": "You have left the coffee chat.",
        "comment-deleted": "The comment is deleted.",
        "project-deleted": "The project is deleted.",
        "logged-out": "You are logged out.",
        "published": "Your project is published.",
        "saved": "Saved.",
        "signed-up": "Welcome! Now write your profile.",
    },
)
