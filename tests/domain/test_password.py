"""Passwords that are easy to guess, and some that are not."""

import pytest

from sidepro.domain.accounts.password import check_password_strength
from sidepro.domain.errors import WeakPassword
from tests.factories import FewCommonPasswords


def complaint(password: str, email: str = "mina@example.kr", username: str = "미나") -> str | None:
    """What is wrong with a password; `None` if nothing is."""
    try:
        check_password_strength(password, FewCommonPasswords(), email=email, username=username)
    except WeakPassword as error:
        return error.errors[0].violation.detail
    return None


@pytest.mark.parametrize(
    "password",
    [
        *("00000000", "aaaaaaaaaa", "abababab", "12121212", "abcdabcd", "가나가나가나가나"),
        *("passwordpassword", "ㅋㅋㅋㅋㅋㅋㅋㅋ", "qwertyqwerty", "AbcAbcAbc"),
    ],
)
def test_a_repetition_is_weak(password: str) -> None:
    assert complaint(password) == "must not be a repetition"


@pytest.mark.parametrize(
    "password",
    [
        *("987654321", "1234567890", "abcdefgh", "ABCDefgh", "34567890123", "0987654321"),
        *("aaaabbbb", "abcd1234", "zyxwvuts"),
    ],
)
def test_a_sequence_is_weak(password: str) -> None:
    assert complaint(password) == "must not be a sequence or a keyboard walk"


@pytest.mark.parametrize(
    "password",
    [
        *("asdfghjkl", "1qaz2wsx", "1qaz@WSX", "qwer1234", "zaq12wsx"),
        *("!@#$%^&*", "ㅂㅈㄷㄱㅅㅛㅕㅑ", "ㅁㄴㅇㄹㅎㅗㅓㅏ", "poiuytre", "q2w3e4r5"),
    ],
)
def test_a_keyboard_walk_is_weak(password: str) -> None:
    assert complaint(password) == "must not be a sequence or a keyboard walk"


@pytest.mark.parametrize("password", ["qwer1234!", "!!asdfghjkl!!", "(987654321)"])
def test_symbols_around_a_walk_do_not_make_it_strong(password: str) -> None:
    assert complaint(password) == "must not be a sequence or a keyboard walk"


@pytest.mark.parametrize("password", ["password!", "#12345678!", "~qwertyuiop~"])
def test_symbols_around_a_common_password_do_not_make_it_strong(password: str) -> None:
    assert complaint(password) == "is one of the most common passwords"


@pytest.mark.parametrize(
    "password",
    [
        *("correct horse", "밤하늘-별빛-2026", "새벽-바다-등대-7", "horsehorse1", "tlqkfsk82!"),
        *("MyDog8it", "were-trees", "19880704x", "커피챗합시다", "hello hello!", "sunset8walk"),
        "correcthorsecorrecthorse",
    ],
)
def test_other_passwords_are_good(password: str) -> None:
    assert complaint(password) is None


def test_the_longest_password_is_judged_as_well() -> None:
    assert complaint("ab" * 64) == "must not be a repetition"
    assert complaint("1234567890" * 12 + "12345678") is not None
