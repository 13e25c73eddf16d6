"""The texts of mails: both languages, both parts, links, times and what people chose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from string import Formatter
from typing import Any

import pytest

from sidepro.adapters.mail.composer import TEXTS, TextComposer
from sidepro.adapters.mail.texts.en import ENGLISH
from sidepro.adapters.mail.texts.ko import KOREAN
from sidepro.domain.accounts.account_token import TOKEN_TTL, TokenPurpose
from sidepro.domain.language import Language
from sidepro.domain.mail.mail import Mail, MailKind
from sidepro.domain.mail.ports import Letter
from sidepro.domain.notifications.notification import NotificationKind
from tests import factories

TOKEN = "t" * 43
AT = datetime(2026, 11, 29, 15, 4, tzinfo=UTC)


def written(
    kind: MailKind,
    language: Language = Language.KOREAN,
    unsubscribe_token: str | None = None,
    **members: Any,
) -> Letter:
    user = factories.user(email="mina@example.com", language=language)
    mail = replace(factories.mail(user, kind), created_at=AT, content={"username": "미나"})
    mail = replace(mail, **members)
    return TextComposer("https://sidepro.example/side/").compose(mail, TOKEN, unsubscribe_token)


class Parsed(HTMLParser):
    """The text, the links, and all tags of a page."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.links, self.tags = "", list[str | None](), list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_both_languages_have_the_same_placeholders() -> None:
    def placeholders(value: object) -> list[set[str]]:
        if isinstance(value, str):
            return [{name for _, name, _, _ in Formatter().parse(value) if name}]
        if isinstance(value, tuple):
            return [{name for each in value for found in placeholders(each) for name in found}]
        if isinstance(value, Mapping):
            return [found for kind in NotificationKind for found in placeholders(value[kind])]
        return [one for field in fields(value) for one in placeholders(getattr(value, field.name))]  # type: ignore[arg-type]  # texts are texts, tuples or dataclasses

    korean, english = placeholders(KOREAN), placeholders(ENGLISH)
    difference = [pair for pair in zip(korean, english, strict=True) if pair[0] != pair[1]]
    assert [pair for pair in difference if "month" not in pair[0]] == []


@pytest.mark.parametrize("kind", MailKind)
@pytest.mark.parametrize("language", Language)
def test_both_parts_say_the_same(kind: MailKind, language: Language) -> None:
    letter = written(kind, language, content={"username": "미나", "address": "new@example.com"})
    page = Parsed(letter.html)
    words = set(letter.text.replace(":\n", "\n").split()) - set(page.links)
    assert words <= set(page.text.split())
    assert all(address in letter.text.splitlines() for address in page.links)
    assert letter.subject in page.text
    assert f'<html lang="{language.value}">' in letter.html
    assert "미나" in letter.text
    assert "{" not in letter.text + letter.subject
    assert set(page.tags) <= {
        *("html", "head", "meta", "title", "body", "div", "p", "a"),
    }


@pytest.mark.parametrize(
    ("kind", "page"),
    [
        (MailKind.EMAIL_VERIFICATION, "email-verification"),
        (MailKind.PASSWORD_RESET, "password-reset"),
    ],
)
def test_a_link_stands_on_a_line_of_its_own(kind: MailKind, page: str) -> None:
    letter = written(kind)
    address = f"https://sidepro.example/side/{page}?token={TOKEN}"
    assert address in letter.text.splitlines()
    assert Parsed(letter.html).links == [address]


def test_a_notification_has_a_link_that_stops_such_mails() -> None:
    letter = written(MailKind.PASSWORD_CHANGED, unsubscribe_token="u" * 43)
    address = f"https://sidepro.example/side/unsubscribe?token={'u' * 43}"
    assert letter.unsubscribe_url == address
    assert address in letter.text.splitlines()
    assert address in Parsed(letter.html).links


def digest(**members: Any) -> Letter:
    return written(MailKind.DIGEST, Language.ENGLISH, content={"username": "Mina", **members})


def test_a_digest_tells_of_notifications_and_chats_and_links_to_both() -> None:
    entry = {"kind": "comment", "name": "Jiho", "title": "Map {x}", "count": 3}
    moderated = {"kind": "moderated", "name": None, "title": None, "count": 1}
    letter = digest(
        notifications=[entry, moderated],
        more=4,
        chats=[{"name": "Jiho", "count": 1}, {"name": None, "count": 2}],
    )
    for sentence in (
        "Jiho commented on “Map {x}”. There are 3 new comments.",
        "Moderators have reviewed something you posted.",
        "There are 4 more notifications.",
        "You have an unread message from Jiho.",
        "You have 2 unread messages from somebody who left.",
    ):
        assert sentence in letter.text.splitlines()
    base = "https://sidepro.example/side"
    assert Parsed(letter.html).links == [f"{base}/notifications", f"{base}/chats"]


def test_a_digest_links_only_to_what_it_tells_of() -> None:
    letter = digest(chats=[{"name": "Jiho", "count": 1}])
    assert Parsed(letter.html).links == ["https://sidepro.example/side/chats"]


@pytest.mark.parametrize(
    ("language", "zone", "moment"),
    [
        (Language.KOREAN, "Asia/Seoul", "2026년 11월 30일 오전 12:04(Asia/Seoul)"),
        (Language.ENGLISH, "America/New_York", "November 29, 2026, 10:04 AM (America/New_York)"),
        (Language.ENGLISH, "Gone/Zone", "November 29, 2026, 3:04 PM (UTC)"),
    ],
)
def test_times_are_those_of_the_person(language: Language, zone: str, moment: str) -> None:
    assert moment in written(MailKind.PASSWORD_CHANGED, language, time_zone=zone).text


def test_what_a_person_chose_adds_no_markup_and_no_line() -> None:
    content = {"username": '<img src=x>"\n\nhttps://evil.example', "address": "{when}\n<b>"}
    letter = written(MailKind.EMAIL_CHANGED, content=content)
    page = Parsed(letter.html)
    assert "img" not in page.tags
    assert "b" not in page.tags
    assert "https://evil.example" not in letter.text.splitlines()
    assert "{when} <b>" in letter.text


@pytest.mark.parametrize("language", Language)
def test_the_texts_name_the_lifetime_of_the_links(language: Language) -> None:
    days = {Language.KOREAN: "3일", Language.ENGLISH: "three days"}
    hours = {Language.KOREAN: "1시간", Language.ENGLISH: "one hour"}
    assert TOKEN_TTL[TokenPurpose.EMAIL_VERIFICATION].days == 3
    assert TOKEN_TTL[TokenPurpose.PASSWORD_RESET].total_seconds() == 3600
    assert days[language] in " ".join(TEXTS[language].verification.after)
    assert hours[language] in " ".join(TEXTS[language].password_reset.after)


def test_the_same_mail_is_the_same_letter() -> None:
    user = factories.user()
    mail: Mail = factories.mail(user, MailKind.PASSWORD_RESET)
    composer = TextComposer("https://sidepro.example")
    assert composer.compose(mail, TOKEN, None) == composer.compose(mail, TOKEN, None)
