"""`CommonPasswords`: the full list, and the fake of the domain's tests."""

import pytest

from sidepro.adapters.security.passwords import CommonPasswordList
from sidepro.domain.accounts.ports import CommonPasswords
from tests.factories import FewCommonPasswords


@pytest.fixture(params=["list", "few"])
def common(request: pytest.FixtureRequest) -> CommonPasswords:
    return CommonPasswordList() if request.param == "list" else FewCommonPasswords()


@pytest.mark.parametrize(
    "password",
    ["password", "12345678", "qwertyuiop", "PassWord", "ＰＡＳＳＷＯＲＤ", "QWERTYuiop"],
)
def test_common_passwords_are_found_in_any_spelling(
    common: CommonPasswords, password: str
) -> None:
    assert password in common


@pytest.mark.parametrize(
    "password", ["", " password", "password ", "정확한 horse battery 9", "x" * 128, "\0", "\ud800"]
)
def test_other_passwords_are_not_common(common: CommonPasswords, password: str) -> None:
    assert password not in common


# -------------------------------------------------------------------------------- the list alone


@pytest.mark.parametrize(
    "password",
    ["football1", "1q2w3e4r", "dkssudgktpdy", "sarang1004", "가나다라마바사아", "schwarzenegger"],
)
def test_the_list_has_words_names_and_korean_passwords(password: str) -> None:
    assert password in CommonPasswordList()


def test_two_entries_together_are_no_entry() -> None:
    assert "football1\nfootball12" not in CommonPasswordList()
