"""Sign-up and availability."""

import unicodedata
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidepro.domain.accounts.personal.username import check_username
from sidepro.domain.accounts.preferences import ChatPolicy
from sidepro.domain.accounts.views import AccountView
from sidepro.domain.errors import (
    EmailTaken,
    SideProError,
    UsernameTaken,
    WeakPassword,
    WrongCredentials,
)
from sidepro.domain.identity import Role
from sidepro.domain.language import Language
from sidepro.domain.validation import Validator
from tests.domain.account_data import EMAIL, PASSWORD, USERNAME, pointers_of
from tests.domain.services import Services, awaited
from tests.factories import ADDRESS, NOW, QuickPasswords, at_once


@awaited
async def test_a_new_account_has_no_profile_and_no_privileges(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    assert account == AccountView(
        id=account.id,
        username=USERNAME,
        created_at=NOW,
        profile=None,
        email=EMAIL,
        is_admin=False,
        email_verified=False,
        pending_email=None,
        language=Language.KOREAN,
        time_zone="Asia/Seoul",
        role=Role.MEMBER,
        chat_policy=ChatPolicy.REQUEST,
    )
    stored = services.store.state.users[account.id]
    assert AccountView.of(stored, None) == account


@awaited
async def test_a_password_is_stored_as_its_hash_alone(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    stored = services.store.state.users[account.id]
    assert stored.password_hash == await QuickPasswords().hash(PASSWORD)
    assert PASSWORD not in repr(stored)


@awaited
async def test_names_are_stored_in_nfc(services: Services) -> None:
    decomposed = unicodedata.normalize("NFD", USERNAME)
    account = await services.accounts.sign_up(EMAIL, decomposed, PASSWORD)
    assert account.username == USERNAME


@awaited
async def test_all_members_that_break_a_rule_are_told_at_once(services: Services) -> None:
    attempt = services.accounts.sign_up("no address", "x", "short")
    assert await pointers_of(attempt) == ["/email", "/username", "/password"]
    assert not services.store.state.users
    assert not services.passwords.calls


@pytest.mark.parametrize(
    "email", ["", "minji", "@example.com", "minji@", "@example".rjust(255, "m")]
)
@awaited
async def test_what_is_no_email_address_is_refused(services: Services, email: str) -> None:
    assert await pointers_of(services.accounts.sign_up(email, USERNAME, PASSWORD)) == ["/email"]


@awaited
async def test_the_longest_email_address_is_taken(services: Services) -> None:
    await services.accounts.sign_up("@example.com".rjust(254, "m"), USERNAME, PASSWORD)


@pytest.mark.parametrize(
    "username",
    [
        "김민지",
        "홍길동_2",
        "Renée-Ann",
        "हिन्दी",  # vowel signs and a virama
        "ศักดิ์สิทธิ์",  # vowel signs and tone marks above
        "Иван",
        "李小龍",
        "ab",
        "-_",
        "٤٢",
        "미나Kim",
        "田中さん",
        "漢字とカナDev",
        "注音ㄅㄆㄇ",
        "데브토오쿄",
        "администратор",  # one alphabet, and none of the reserved names
        "admin2",
        "rooted",
        "운영자가아님",
        "ｓｉｄｅ２",
        "İstanbul",
        "ıspanak",
        "Nguyễn",
        "སྐྱོང",  # three marks on a letter
        "x" * 30,
        unicodedata.normalize("NFD", "각" * 30),
        unicodedata.normalize("NFD", "ᾂ" * 30),  # four code points each
    ],
)
def test_usernames_that_are_taken(username: str) -> None:
    rules = Validator()
    assert check_username(username, rules) == unicodedata.normalize("NFC", username)
    assert not rules.errors


@pytest.mark.parametrize(
    "username",
    [
        "",
        "x",
        "x" * 31,
        "x" * 10_000,
        "각" * 31,
        "min ji",
        " minji",
        "min.ji",
        "min@ji",
        "minji\n",
        "min\0ji",
        "minji\ud800",
        "민지🚀",
        "❤️❤️",
        "1️⃣2️⃣",
        "½½",
        "<b>",
        "min\N{ZERO WIDTH SPACE}ji",
        "min\N{RIGHT-TO-LEFT OVERRIDE}ji",
        "\N{COMBINING GRAVE ACCENT}minji",
        "\N{HALFWIDTH KATAKANA VOICED SOUND MARK}minji",  # compares as a combining mark
        "minji\N{ARABIC LIGATURE SALLALLAHOU ALAYHE WASALLAM}",  # compares as four words
        "\N{GREEK YPOGEGRAMMENI}minji",  # compares with a space in it
        "min" + "\N{COMBINING TILDE OVERLAY}" * 5 + "ji",
        "p\N{CYRILLIC SMALL LETTER A}ypal",
        "ｐ\N{CYRILLIC SMALL LETTER A}ypal",
        "minji-p\N{GREEK SMALL LETTER OMICRON}st",
        "\N{CYRILLIC SMALL LETTER O}\N{GREEK SMALL LETTER OMICRON}",
        "minji4\N{BENGALI DIGIT FOUR}",
        "Иван_dev",
        "Σοφία2Anna",
        "미나\N{CYRILLIC SMALL LETTER A}",
        "민지ひらがな",
        "devनाम",
        "\N{CHEROKEE LETTER GO}oogle",
        "\N{ARMENIAN SMALL LETTER OH}ne",
    ],
)
def test_usernames_that_are_refused(username: str) -> None:
    rules = Validator()
    check_username(username, rules)
    assert [fault.pointer for fault in rules.errors] == ["/username"]


@pytest.mark.parametrize(
    "username",
    [
        *("admin", "ADMIN", "ａｄｍｉｎ", "a_d-m_i-n", "-root-", "SidePro"),
        *("운영자", "관리자", "고객_센터", "adm1n", "R00T", "s1de-pr0", "5upp0rt", "0ffic1al"),
    ],
)
def test_reserved_usernames_are_refused_to_all_but_administrators(username: str) -> None:
    refused, allowed = Validator(), Validator()
    check_username(username, refused)
    assert [error.violation.detail for error in refused.errors] == ["is reserved"]
    check_username(username, allowed, allow_reserved=True)
    assert not allowed.errors


@given(st.text(st.characters(categories=["L", "Nd", "Mn", "Mc"]), min_size=1, max_size=31))
def test_a_username_that_is_taken_is_taken_in_its_stored_form(typed: str) -> None:
    once, again = Validator(), Validator()
    stored = check_username(typed, once)
    assert check_username(stored, again) == stored
    assert again.errors == once.errors


@pytest.mark.parametrize("mark", ["\N{THAI CHARACTER SARA I}", "\N{DEVANAGARI VOWEL SIGN AA}"])
def test_no_mark_comes_first_in_a_username(mark: str) -> None:
    rules = Validator()
    check_username(mark + "minji", rules)
    assert rules.errors


@pytest.mark.parametrize(
    "invisible",
    [
        "\N{HANGUL FILLER}",
        "\N{HALFWIDTH HANGUL FILLER}",
        "\N{VARIATION SELECTOR-16}",
        "\N{COMBINING GRAPHEME JOINER}",
    ],
)
def test_a_username_has_nothing_invisible(invisible: str) -> None:
    rules = Validator()
    check_username(f"minji{invisible}", rules)
    assert rules.errors


@pytest.mark.parametrize("length", [8, 128])
@awaited
async def test_the_shortest_and_the_longest_password(services: Services, length: int) -> None:
    syllables = "".join(chr(0xAC00 + number * 7_919 % 11_172) for number in range(length))
    await services.accounts.sign_up(EMAIL, USERNAME, syllables)


@pytest.mark.parametrize(
    "password",
    [
        "",
        "비" * 7,
        "비" * 129,
        "x" * 100_000,
        unicodedata.normalize("NFD", "각" * 129),
        "passw\0rd1",
        "passw\ud800rd1",
        "p\udfffassword1",
    ],
)
@awaited
async def test_passwords_that_are_refused(services: Services, password: str) -> None:
    assert await pointers_of(services.accounts.sign_up(EMAIL, USERNAME, password)) == ["/password"]


@awaited
async def test_a_password_is_counted_after_composition(services: Services) -> None:
    password = unicodedata.normalize("NFD", "각" * 7)
    assert await pointers_of(services.accounts.sign_up(EMAIL, USERNAME, password)) == ["/password"]


@awaited
async def test_a_password_is_not_trimmed(services: Services) -> None:
    await services.accounts.sign_up(EMAIL, USERNAME, "  spaces  ")
    with pytest.raises(WrongCredentials):
        await services.sessions.log_in(EMAIL, "spaces", address=ADDRESS)
    await services.sessions.log_in(EMAIL, "  spaces  ", address=ADDRESS)


@pytest.mark.parametrize(
    ("email", "username", "password"),
    [
        (EMAIL, USERNAME, "password"),
        (EMAIL, USERNAME, "PASSWORD"),
        (EMAIL, USERNAME, "my-minji-2026"),
        (EMAIL, USERNAME, "xMINJIxxx"),
        (EMAIL, USERNAME, "ｍｉｎｊｉ-12345"),
        ("li@example.com", USERNAME, "li@example.com"),
        (EMAIL, "홍길동이", "홍길동이12345"),
        (EMAIL, "홍길동이", unicodedata.normalize("NFD", "12345홍길동이")),
        (EMAIL, "Straße", "STRASSE-9"),
    ],
)
@awaited
async def test_weak_passwords(
    services: Services, email: str, username: str, password: str
) -> None:
    with pytest.raises(WeakPassword) as caught:
        await services.accounts.sign_up(email, username, password)
    assert [fault.pointer for fault in caught.value.errors] == ["/password"]
    assert not services.store.state.users


@pytest.mark.parametrize(
    ("email", "username", "password"),
    [
        ("min@example.com", USERNAME, "my-min-2026"),
        (EMAIL, "홍길동", "홍길동-12345"),
        (EMAIL, "ab", "absolutely"),
        (EMAIL, USERNAME, "my min ji 2026"),
        (EMAIL, USERNAME, "example.com"),
    ],
)
@awaited
async def test_passwords_that_are_not_weak(
    services: Services, email: str, username: str, password: str
) -> None:
    await services.accounts.sign_up(email, username, password)


@pytest.mark.parametrize(
    ("email", "username", "error"),
    [
        ("MINJI@example.com", "somebody", EmailTaken),
        ("ｍｉｎｊｉ@example.com", "somebody", EmailTaken),
        ("other@example.com", unicodedata.normalize("NFD", USERNAME), UsernameTaken),
        ("other@example.com", "김민지", UsernameTaken),
        ("MINJI@example.com", USERNAME, EmailTaken),
    ],
)
@awaited
async def test_taken_in_any_case_and_form(
    services: Services, email: str, username: str, error: type[SideProError]
) -> None:
    await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    with pytest.raises(error):
        await services.accounts.sign_up(email, username, PASSWORD)
    assert len(services.store.state.users) == 1


@awaited
async def test_a_username_is_taken_in_another_case(services: Services) -> None:
    await services.accounts.sign_up(EMAIL, "Straße", PASSWORD)
    with pytest.raises(UsernameTaken):
        await services.accounts.sign_up("other@example.com", "STRASSE", PASSWORD)


@awaited
async def test_of_two_who_sign_up_at_once_one_gets_the_name(services: Services) -> None:
    async def attempt(email: str) -> bool:
        try:
            await services.accounts.sign_up(email, USERNAME, PASSWORD)
        except UsernameTaken:
            return False
        return True

    emails = [f"person{number}@example.com" for number in range(5)]
    assert sum(await at_once([partial(attempt, email) for email in emails])) == 1


@awaited
async def test_availability_answers_what_was_asked(services: Services) -> None:
    await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    ask = services.accounts.availability
    assert await ask("Minji@example.com", None) == {"email": False}
    assert await ask(None, unicodedata.normalize("NFD", USERNAME)) == {"username": False}
    assert await ask("other@example.com", "other") == {"email": True, "username": True}


@pytest.mark.parametrize(
    ("email", "username", "parameters"),
    [("no address", None, ["email"]), (None, "x", ["username"]), (None, None, ["email"])],
)
@awaited
async def test_availability_of_what_cannot_be(
    services: Services, email: str | None, username: str | None, parameters: list[str | None]
) -> None:
    assert await pointers_of(services.accounts.availability(email, username)) == parameters
