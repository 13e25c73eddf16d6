"""Writes mails: each text once, as plain text and as HTML."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sidepro.adapters.mail.texts.catalogue import DigestText, LinkText, MailTexts, NoticeText
from sidepro.adapters.mail.texts.en import ENGLISH
from sidepro.adapters.mail.texts.ko import KOREAN
from sidepro.domain.language import Language
from sidepro.domain.mail.mail import Mail, MailKind
from sidepro.domain.mail.ports import Letter

TEXTS = {Language.KOREAN: KOREAN, Language.ENGLISH: ENGLISH}

_PAGE = """\
<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>{subject}</title>
</head>
<body style="margin: 0; padding: 24px; font: 16px/1.6 system-ui, sans-serif; \
word-break: keep-all; overflow-wrap: anywhere">
<div style="max-width: 560px; margin: 0 auto">
{body}
</div>
</body>
</html>
"""
_BUTTON = (
    "display: inline-block; padding: 10px 18px; border-radius: 6px; background: #1f4fbf; "
    "color: #ffffff; text-decoration: none"
)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph of text."""

    text: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A link on a line of its own."""

    label: str
    url: str
    is_button: bool = True


Block = Paragraph | Anchor


class TextComposer:
    """See `sidepro.domain.mail.ports.MailComposer`."""

    def __init__(self, public_url: str) -> None:
        self._base = public_url.rstrip("/")

    def compose(self, mail: Mail, token: str | None, unsubscribe_token: str | None) -> Letter:
        texts = TEXTS[mail.language]
        subject, body = self._body(mail, texts, token)
        blocks: list[Block] = []
        if "username" in mail.content:
            blocks.append(Paragraph(texts.greeting.format(username=mail.content["username"])))
        blocks += [*body, Paragraph(texts.signature)]
        unsubscribe_url = None
        if unsubscribe_token is not None:
            unsubscribe_url = self._url("unsubscribe", unsubscribe_token)
            blocks.append(Anchor(texts.unsubscribe, unsubscribe_url, is_button=False))
        subject = " ".join(subject.split())
        return Letter(
            message_id=mail.message_id or f"<{mail.id}@localhost>",
            date=mail.created_at,
            to=mail.address,
            language=mail.language,
            subject=subject,
            text=_plain(blocks),
            html=_page(mail.language, subject, blocks),
            unsubscribe_url=unsubscribe_url,
        )

    def _body(
        self, mail: Mail, texts: MailTexts, token: str | None
    ) -> tuple[str, Sequence[Block]]:
        values = {
            "address": str(mail.content.get("address", "")),
            "when": _moment(mail.created_at, mail.time_zone, texts),
        }
        match mail.kind:
            case MailKind.EMAIL_VERIFICATION:
                values["address"] = mail.address
                url = self._url("email-verification", token)
                return _with_link(texts.verification, url, values)
            case MailKind.PASSWORD_RESET:
                url = self._url("password-reset", token)
                return _with_link(texts.password_reset, url, values)
            case MailKind.PASSWORD_CHANGED:
                return self._notice(texts.password_changed, texts, values)
            case MailKind.DIGEST:
                return self._digest(mail, texts.digest)
            case MailKind.EMAIL_CHANGE_REQUESTED:
                return self._notice(texts.email_change_requested, texts, values)
            case MailKind.EMAIL_CHANGED:
                return self._notice(texts.email_changed, texts, values)

    def _notice(
        self, notice: NoticeText, texts: MailTexts, values: dict[str, str]
    ) -> tuple[str, Sequence[Block]]:
        anchor = Anchor(texts.reset_link, f"{self._base}/password-reset")
        return notice.subject, [*_paragraphs(notice.paragraphs, values), anchor]

    def _digest(self, mail: Mail, texts: DigestText) -> tuple[str, Sequence[Block]]:
        told = mail.content.get("notifications", ())
        blocks: list[Block] = [
            _sentence(texts.sentences[entry["kind"]], entry, texts.nobody) for entry in told
        ]
        if more := mail.content.get("more"):
            blocks.append(Paragraph(texts.more.format(count=more)))
        if told:
            blocks.append(Anchor(texts.notifications, f"{self._base}/notifications"))
        chats = mail.content.get("chats", ())
        blocks += [_sentence(texts.chat, chat, texts.nobody) for chat in chats]
        if chats:
            blocks.append(Anchor(texts.chats, f"{self._base}/chats"))
        return texts.subject, blocks

    def _url(self, page: str, token: str | None) -> str:
        return f"{self._base}/{page}?token={token or ''}"


def _sentence(forms: tuple[str, str], members: Mapping[str, Any], nobody: str) -> Paragraph:
    values = {**members, "name": members.get("name") or nobody, "title": members.get("title")}
    return Paragraph(forms[members["count"] > 1].format(**values))


def _with_link(text: LinkText, url: str, values: dict[str, str]) -> tuple[str, Sequence[Block]]:
    before, after = _paragraphs(text.before, values), _paragraphs(text.after, values)
    return text.subject, [*before, Anchor(text.label, url), *after]


def _paragraphs(texts: Sequence[str], values: dict[str, str]) -> list[Block]:
    return [Paragraph(text.format(**values)) for text in texts]


def _moment(moment: datetime, zone: str, texts: MailTexts) -> str:
    try:
        local = moment.astimezone(ZoneInfo(zone))
    except (ValueError, OSError, LookupError):  # a zone that this machine does not know
        local, zone = moment, "UTC"
    return texts.date.format(
        year=local.year,
        month=local.month,
        month_name=texts.months[local.month - 1],
        day=local.day,
        half=texts.halves[local.hour // 12],
        hour=local.hour % 12 or 12,
        minute=f"{local.minute:02}",
        zone=zone,
    )


def _plain(blocks: Sequence[Block]) -> str:
    parts = [
        " ".join(block.text.split())
        if isinstance(block, Paragraph)
        else f"{block.label}:\n{block.url}"
        for block in blocks
    ]
    return "\n\n".join(parts) + "\n"


def _page(language: Language, subject: str, blocks: Sequence[Block]) -> str:
    return _PAGE.format(
        language=language.value,
        subject=html.escape(subject),
        body="\n".join(map(_element, blocks)),
    )


def _element(block: Block) -> str:
    if isinstance(block, Paragraph):
        return f"<p>{html.escape(block.text)}</p>"
    style = f' style="{_BUTTON}"' if block.is_button else ""
    return f'<p><a href="{html.escape(block.url)}"{style}>{html.escape(block.label)}</a></p>'
