"""The texts of mails in English."""

from sidepro.adapters.mail.texts.catalogue import DigestText, LinkText, MailTexts, NoticeText

ENGLISH = MailTexts(
    greeting="Hello {username},",
    verification=LinkText(
        subject="Verify your email address",
        before=("Follow this link to use the address {address} on SidePro.",),
        label="Verify the email address",
        after=(
            "The link works for three days.",
            "If you did not ask for this, you can ignore this email.",
        ),
    ),
    password_reset=LinkText(
        subject="Choose a new password",
        before=("Somebody asked to reset your password. Follow this link to choose a new one.",),
        label="Choose a new password",
        after=(
            "The link works once, for one hour.",
            (
                "If you did not ask for this, you can ignore this email. "
                "Your password stays as it is."
            ),
        ),
    ),
    password_changed=NoticeText(
        subject="Your password was changed",
        paragraphs=(
            "Your password was changed on {when}.",
            "If that was not you, reset your password now.",
        ),
    ),
    email_change_requested=NoticeText(
        subject="Your email address is about to change",
        paragraphs=(
            (
                "On {when}, somebody asked to change your email address to {address}. It changes "
                "once the new address is verified."
            ),
            "If that was not you, reset your password now. This also cancels the change.",
        ),
    ),
    email_changed=NoticeText(
        subject="Your email address was changed",
        paragraphs=(
            (
                "On {when}, your email address was changed to {address}. From now on, log in with "
                "the new address. Emails go there too."
            ),
            "If that was not you, tell the operators.",
        ),
    ),
    digest=DigestText(
        subject="News on SidePro",
        sentences={
            "request": ("{name} asked you for a coffee chat.",) * 2,
            "accepted": ("{name} accepted your request for a coffee chat.",) * 2,
            "comment": (
                "{name} commented on “{title}”.",
                "{name} commented on “{title}”. There are {count} new comments.",
            ),
            "bookmarks": (
                "{name} bookmarked “{title}”.",
                "{count} people bookmarked “{title}”, {name} among them.",
            ),
            "report-decided": ("Moderators have decided on your report.",) * 2,
            "moderated": ("Moderators have reviewed something you posted.",) * 2,
        },
        chat=(
            "You have an unread message from {name}.",
            "You have {count} unread messages from {name}.",
        ),
        nobody="somebody who left",
        more="There are {count} more notifications.",
        notifications="See notifications",
        chats="See chats",
    ),
    reset_link="Reset the password",
    unsubscribe="Stop these emails",
    signature="SidePro",
    date="{month_name} {day}, {year}, {hour}:{minute} {half} ({zone})",
    months=(
        *("January", "February", "March", "April", "May", "June", "July"),
        *("August", "September", "October", "November", "December"),
    ),
    halves=("AM", "PM"),
)
