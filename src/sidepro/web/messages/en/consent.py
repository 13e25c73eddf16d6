"""Texts of chat requests, of who may ask, and of blocks."""

from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.coffee_chats.chat_request import RequestState
from sidepro.web.messages.groups.consent import ConsentTexts
from sidepro.web.texts import Plural

TEXTS = ConsentTexts(
    ask_title="Ask {name} for a coffee chat",
    ask_text="The chat opens when {name} accepts. Say what you would like to talk about.",
    introduction="Who you are, and what to talk about",
    introduction_hint="Without an answer, the request expires after 14 days.",
    send="Send request",
    cancel="Cancel",
    labels={
        "introduction": "Who you are, and what to talk about",
        "user_id": "Person",
        "chat_policy": "How coffee chats start",
    },
    closed="Not taking coffee chats right now.",
    tabs="Chats and requests",
    rooms="Chats",
    received="Requests received",
    sent="Requests sent",
    waiting=Plural("{count} requests are waiting", "{count} request is waiting"),
    no_received="No requests yet",
    no_received_hint="When somebody asks you for a coffee chat, you can answer here.",
    no_sent="You have not asked anybody yet",
    no_sent_hint="Ask the author of a project that you like for a coffee chat.",
    browse="Browse projects",
    states={
        RequestState.PENDING: "Pending",
        RequestState.ACCEPTED: "Accepted",
        RequestState.DECLINED: "Declined",
        RequestState.WITHDRAWN: "Withdrawn",
        RequestState.EXPIRED: "Expired",
        RequestState.VOID: "Void",
    },
    quiet="We do not tell them if you decline.",
    change_of_mind="They do not know that you declined. You can still accept.",
    accept="Accept",
    decline="Decline",
    withdraw="Withdraw request",
    open_room="Open chat",
    settings="Coffee chats and blocks",
    settings_text="How coffee chats with you start, and whom you have blocked.",
    who="How coffee chats start",
    policies={
        ChatPolicy.OPEN: "At once",
        ChatPolicy.REQUEST: "When I accept",
        ChatPolicy.CLOSED: "Not at all",
    },
    policy_text="This does not change the chats you already have.",
    save="Save",
    blocked_people="Blocked people",
    no_blocked="You have not blocked anyone.",
    block="Block",
    block_title="Block {name}?",
    block_text=(
        "Neither of you can ask for a chat or send messages. Past messages stay readable.",
        "You cannot comment on each other’s projects, and no longer see each other’s comments.",
        "Pending requests between you are cancelled.",
        "We do not tell them. You can unblock them at any time.",
    ),
    unblock="Unblock",
    is_blocked="You have blocked {name}.",
    unwritable="Messages cannot be sent here right now. You can still read the conversation.",
)
