"""Sign-up, log-in and profiles, over stores in memory and a hasher that notes its calls."""

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sidepro.domain.accounts.ports import ADDRESS_REFRESH_AFTER
from sidepro.domain.accounts.session import RefreshToken, Session
from sidepro.domain.accounts.user import check_username
from sidepro.domain.accounts.views import AccountView, ProfileView
from sidepro.domain.errors import (
    AccountDeactivated,
    EmailTaken,
    InvalidInput,
    NoProfile,
    NotAuthenticated,
    NotFound,
    SideProError,
    Unavailable,
    UsernameTaken,
    WeakPassword,
    WrongCredentials,
)
from sidepro.domain.identity import Caller, token_digest
from sidepro.domain.ids import SessionId, UserId
from sidepro.domain.validation import Validator
from tests.domain.services import Services, awaited
from tests.factories import ADDRESS, LIFETIMES, NOW, QuickPasswords, at_once, new_id

EMAIL, USERNAME, PASSWORD = "minji@example.com", "김민지", "correct horse"
NOBODY = UserId(new_id())


async def pointers_of(attempt: Any) -> list[str | None]:
    """What the refusal of an attempt points at."""
    with pytest.raises(InvalidInput) as caught:
        await attempt
    return [fault.pointer or fault.parameter for fault in caught.value.errors]


# ------------------------------------------------------------------------------------ sign-up


@awaited
async def test_a_new_account_has_no_profile_and_no_privileges(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    assert account == AccountView(account.id, USERNAME, NOW, None, EMAIL, is_admin=False)
    assert await services.accounts.user(account.id) == account


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
        "Иван_dev",  # each word in its own alphabet
        "Σοφία2Anna",
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
    ],
)
def test_usernames_that_are_refused(username: str) -> None:
    rules = Validator()
    check_username(username, rules)
    assert [fault.pointer for fault in rules.errors] == ["/username"]


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
    await services.accounts.sign_up(EMAIL, USERNAME, "비" * length)


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


# -------------------------------------------------------------------------------- availability


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


# -------------------------------------------------------------------------------------- log-in


@awaited
async def test_a_log_in_gives_tokens_for_a_new_session(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    tokens = await services.sessions.log_in(
        EMAIL, PASSWORD, address=ADDRESS, user_agent="a browser"
    )
    assert services.access_tokens.read(tokens.access_token) == Caller(
        account.id, tokens.session_id, is_admin=False
    )
    assert (tokens.expires_in, tokens.refresh_expires_in) == (900, 14 * 24 * 3600)
    assert services.store.state.sessions == {
        tokens.session_id: Session(
            tokens.session_id,
            account.id,
            "a browser",
            created_at=NOW,
            last_used_at=NOW,
            expires_at=NOW + LIFETIMES.idle,
            ends_at=NOW + LIFETIMES.total,
        )
    }
    hashed = token_digest(tokens.refresh_token)
    assert services.store.state.refresh_tokens == {
        hashed: RefreshToken(hashed, tokens.session_id, None, issued_at=NOW, used_at=None)
    }


@awaited
async def test_an_address_is_noted_again_when_its_note_is_old(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD, address=ADDRESS)

    async def noted_at_log_in(later: timedelta) -> datetime:
        services.clock.now = NOW + later
        await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
        return services.store.state.known_addresses[account.id, ADDRESS]

    assert await noted_at_log_in(ADDRESS_REFRESH_AFTER) == NOW
    late = ADDRESS_REFRESH_AFTER + timedelta(microseconds=1)
    assert await noted_at_log_in(late) == NOW + late


@awaited
async def test_a_refresh_token_is_stored_as_its_hash_alone(services: Services) -> None:
    await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    tokens = await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert tokens.refresh_token not in repr(services.store.state)


@awaited
async def test_an_administrator_is_told_by_the_token(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    services.change(account.id, is_admin=True)
    tokens = await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert services.access_tokens.read(tokens.access_token).is_admin


@awaited
async def test_each_log_in_is_a_session_of_its_own(services: Services) -> None:
    await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    one, other = [
        await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS) for _ in range(2)
    ]
    assert one.session_id != other.session_id
    assert one.refresh_token != other.refresh_token
    assert len(services.store.state.sessions) == 2


@pytest.mark.parametrize("email", [EMAIL, "MINJI@EXAMPLE.COM", "ｍｉｎｊｉ@example.com"])
@awaited
async def test_email_and_password_may_come_in_another_form(services: Services, email: str) -> None:
    await services.accounts.sign_up(EMAIL, USERNAME, "비밀번호는이것이다")
    decomposed = unicodedata.normalize("NFD", "비밀번호는이것이다")
    await services.sessions.log_in(email, decomposed, address=ADDRESS)


@pytest.mark.parametrize(
    ("email", "password"),
    [
        (EMAIL, "wrong horse"),
        (EMAIL, PASSWORD.upper()),
        ("other@example.com", PASSWORD),
        ("no address", PASSWORD),
        ("m" * 1_000 + EMAIL, PASSWORD),
        (EMAIL, ""),
    ],
)
@awaited
async def test_every_failed_log_in_answers_alike_and_does_the_same_work(
    services: Services, email: str, password: str
) -> None:
    await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    services.passwords.calls.clear()
    with pytest.raises(WrongCredentials) as caught:
        await services.sessions.log_in(email, password, address=ADDRESS)
    assert caught.value.detail == WrongCredentials.detail
    assert services.passwords.calls == ["verify"]
    assert not services.store.state.sessions


@awaited
async def test_a_deactivated_person_hears_so_with_the_right_password_alone(
    services: Services,
) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    services.change(account.id, is_active=False)
    with pytest.raises(WrongCredentials):
        await services.sessions.log_in(EMAIL, "wrong horse", address=ADDRESS)
    with pytest.raises(AccountDeactivated):
        await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert not services.store.state.sessions


@awaited
async def test_an_outdated_hash_is_renewed_at_log_in(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    services.passwords.generation = 2
    await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    stored = services.store.state.users[account.id]
    assert not services.passwords.is_outdated(stored.password_hash)
    services.passwords.calls.clear()
    await services.sessions.log_in(EMAIL, PASSWORD, address=ADDRESS)
    assert services.passwords.calls == ["verify"]


@awaited
async def test_a_hash_is_not_renewed_with_a_wrong_password(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    before = services.store.state.users[account.id]
    services.passwords.generation = 2
    with pytest.raises(WrongCredentials):
        await services.sessions.log_in(EMAIL, "wrong horse", address=ADDRESS)
    assert services.store.state.users[account.id] == before


class SlowPasswords(QuickPasswords):
    """A hasher during whose work something else happens."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        super().__init__()
        self._meanwhile = meanwhile

    async def verify(self, password: str, password_hash: str | None) -> bool:
        right = await super().verify(password, password_hash)
        self._meanwhile()
        return right


@awaited
async def test_who_is_deactivated_during_a_log_in_gets_no_session(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    passwords = SlowPasswords(lambda: services.change(account.id, is_active=False))
    with pytest.raises(WrongCredentials):
        await replace(services.sessions, passwords=passwords).log_in(
            EMAIL, PASSWORD, address=ADDRESS
        )
    assert not services.store.state.sessions


@awaited
async def test_who_is_gone_during_a_log_in_is_unknown(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    passwords = SlowPasswords(lambda: services.forget(account.id))
    with pytest.raises(WrongCredentials):
        await replace(services.sessions, passwords=passwords).log_in(
            EMAIL, PASSWORD, address=ADDRESS
        )


@awaited
async def test_renewing_a_hash_does_not_bring_an_older_password_back(services: Services) -> None:
    account = await services.accounts.sign_up(EMAIL, USERNAME, PASSWORD)
    passwords = SlowPasswords(lambda: services.change(account.id, password_hash="2$new"))
    passwords.generation = 2
    with pytest.raises(WrongCredentials):
        await replace(services.sessions, passwords=passwords).log_in(
            EMAIL, PASSWORD, address=ADDRESS
        )
    assert services.store.state.users[account.id].password_hash == "2$new"


def test_a_long_user_agent_is_cut() -> None:
    session = Session.start(SessionId(new_id()), NOBODY, "x" * 10_000, NOW, LIFETIMES)
    assert session.user_agent == "x" * 400


# ------------------------------------------------------------------------------------ profiles

PROFILE: dict[str, Any] = {
    "bio": "커피챗 환영\n합니다.",
    "image_id": None,
    "github_url": "https://github.com/minji",
    "skills": ["Python", "C언어"],
    "region": "부산",
    "meet_time": "주말 선호",
}
SHOWN = ProfileView(
    bio=PROFILE["bio"],
    image_url=None,
    github_url=PROFILE["github_url"],
    skills=("C언어", "Python"),
    region="부산",
    meet_time="주말 선호",
)


@awaited
async def test_a_written_profile_is_shown_with_skills_in_catalogue_order(
    services: Services,
) -> None:
    caller = await services.person()
    account = await services.profiles.write_profile(caller, **PROFILE)
    assert account.profile == SHOWN
    assert await services.accounts.account(caller) == account


@awaited
async def test_writing_a_profile_replaces_the_whole(services: Services) -> None:
    caller = await services.person()
    await services.profiles.write_profile(caller, **PROFILE)
    bare = {**PROFILE, "bio": "", "github_url": None, "region": None, "meet_time": None}
    account = await services.profiles.write_profile(caller, **bare)
    assert account.profile == ProfileView("", None, None, ("C언어", "Python"), None, None)


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("bio", "x" * 501, "/bio"),
        ("bio", "a\0b", "/bio"),
        ("image_id", new_id(), "/image_id"),
        ("github_url", "javascript:alert(1)", "/github_url"),
        ("github_url", "", "/github_url"),
        ("github_url", "https://github.com/" + "x" * 182, "/github_url"),
        ("skills", [], "/skills"),
        ("skills", ["Python", "COBOL 2000"], "/skills/1"),
        ("skills", ["Python", "Python"], "/skills/1"),
        ("region", "화성", "/region"),
        ("meet_time", "never", "/meet_time"),
    ],
)
@awaited
async def test_a_profile_that_breaks_a_rule_is_refused(
    services: Services, member: str, value: object, pointer: str
) -> None:
    caller = await services.person()
    attempt = services.profiles.write_profile(caller, **{**PROFILE, member: value})
    assert await pointers_of(attempt) == [pointer]
    assert not services.store.state.profiles


@awaited
async def test_a_profile_has_one_to_thirty_skills(services: Services) -> None:
    skills = tuple(f"skill {number}" for number in range(31))
    services.store.catalogue = replace(services.store.catalogue, skills=skills)
    caller = await services.person()
    write = partial(services.profiles.write_profile, caller)
    for count in (1, 30):
        profile = (await write(**{**PROFILE, "skills": skills[:count]})).profile
        assert profile
        assert profile.skills == skills[:count]
    assert await pointers_of(write(**{**PROFILE, "skills": skills})) == ["/skills"]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, {}),
        ({"bio": "새로운 소개"}, {"bio": "새로운 소개"}),
        ({"region": None}, {"region": None}),
        (
            {"github_url": None, "meet_time": "상관없음"},
            {"github_url": None, "meet_time": "상관없음"},
        ),
        ({"skills": ["iOS", "AWS"]}, {"skills": ("AWS", "iOS")}),
    ],
)
@awaited
async def test_an_edit_keeps_what_it_does_not_name(
    services: Services, changes: dict[str, Any], shown: dict[str, Any]
) -> None:
    caller = await services.person()
    await services.profiles.write_profile(caller, **PROFILE)
    now = services.clock.forward(60)
    account = await services.profiles.edit_profile(caller, changes)
    assert account.profile == replace(SHOWN, **shown)
    assert services.store.state.profiles[caller.id].updated_at == now


@awaited
async def test_an_edit_that_breaks_a_rule_changes_nothing(services: Services) -> None:
    caller = await services.person()
    await services.profiles.write_profile(caller, **PROFILE)
    attempt = services.profiles.edit_profile(caller, {"bio": "새로운 소개", "skills": []})
    assert await pointers_of(attempt) == ["/skills"]
    assert (await services.accounts.account(caller)).profile == SHOWN


@awaited
async def test_an_edit_judges_nothing_that_it_does_not_name(services: Services) -> None:
    caller = await services.person()
    await services.profiles.write_profile(caller, **PROFILE)
    profiles = services.store.state.profiles
    older = "ftp://older.example/than-the-rule"
    profiles[caller.id] = replace(profiles[caller.id], github_url=older)
    shown = (await services.profiles.edit_profile(caller, {"bio": "새로운 소개"})).profile
    assert shown
    assert (shown.bio, shown.github_url) == ("새로운 소개", older)


@awaited
async def test_a_profile_that_was_never_written_cannot_be_edited(services: Services) -> None:
    with pytest.raises(NoProfile):
        await services.profiles.edit_profile(await services.person(), {"bio": "x" * 501})


@awaited
async def test_a_tick_is_asked_for_when_the_skills_change_and_not_otherwise() -> None:
    services = Services()
    caller = await services.person()
    asked = services.tick_requests

    await services.profiles.write_profile(caller, **{**PROFILE, "skills": ["Python"]})
    assert asked.asked == 1, "the first profile"
    await services.profiles.write_profile(caller, **{**PROFILE, "skills": ["Python"]})
    await services.profiles.edit_profile(caller, {"bio": "또 다른 소개"})
    await services.profiles.edit_profile(caller, {"skills": ["Python"]})
    assert asked.asked == 1, "the same skills"
    await services.profiles.edit_profile(caller, {"skills": ["Python", "React"]})
    assert asked.asked == 2
    await services.profiles.edit_profile(caller, {"skills": ["React", "Python"]})
    assert asked.asked == 2, "in another order"
    await services.profiles.write_profile(caller, **{**PROFILE, "skills": ["Java"]})
    assert asked.asked == 3


@awaited
async def test_no_tick_is_asked_for_when_nothing_was_stored() -> None:
    services = Services()
    caller = await services.person("Python")
    services.fail_commits(after=0)
    attempts = [
        services.profiles.write_profile(caller, **{**PROFILE, "skills": ["React"]}),
        services.profiles.edit_profile(caller, {"skills": ["React"]}),
    ]
    for attempt in attempts:
        with pytest.raises(Unavailable):
            await attempt
    assert services.tick_requests.asked == 0


# ---------------------------------------------------------------------------------- who is who


@awaited
async def test_an_account_that_is_gone(services: Services) -> None:
    gone = Caller(NOBODY, SessionId(new_id()))
    with pytest.raises(NotAuthenticated):
        await services.accounts.account(gone)
    with pytest.raises(NotFound):
        await services.accounts.user(NOBODY)


@awaited
async def test_the_catalogue_is_the_stored_one(services: Services) -> None:
    assert await services.catalogue.current() == services.store.catalogue
