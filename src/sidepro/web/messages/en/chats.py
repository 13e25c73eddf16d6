"""Texts of the chats."""

from sidepro.web.messages.groups.chats import ChatsTexts
from sidepro.web.texts import Plural

TEXTS = ChatsTexts(
    title="Coffee chats",
    none="No coffee chats yet",
    none_hint="Find a project you like, and ask its author for a coffee chat.",
    find_people="Browse projects",
    nobody="Former member",
    no_message="No messages yet",
    mine="You: {body}",
    unread=Plural("{count} unread messages", "{count} unread message"),
    with_person="Coffee chat with {name}",
    back="All coffee chats",
    here="Here now",
    away="Away",
    log="Messages",
    older="Earlier messages",
    newest="Latest messages",
    newer="New messages",
    me="You",
    read="Read",
    typing="{name} is typing",
    write="Message",
    hint="Enter sends, Shift+Enter starts a new line",
    send="Send",
    sending="Sending",
    unverified="Verify your email address to send messages. What you wrote is kept.",
    refused="Not sent",
    again="Send again",
    edit="Edit",
    connecting="Reconnecting. What you write is sent once the connection is back.",
    offline="You are offline. What you write is sent once the connection is back.",
    session_ended="You are logged out. Log in again and your message is still here.",
    closed="You can no longer see this coffee chat.",
    broken="This page is out of date. Please reload it.",
    reload="Reload",
    left_by_other="{name} has left. You can read the conversation, but not write.",
    withdrawn="This person closed their account. You can read the conversation, but not write.",
    leave="Leave",
    leave_hint=(
        "The other person can still read the conversation. Ask for a coffee chat again to go on; "
        "if they leave too, the conversation is deleted."
    ),
    about="About {name}",
    no_profile="No profile yet.",
)
