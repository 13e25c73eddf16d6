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


def test_at_least_ten_thousand_are_known() -> None:
    assert len(CommonPasswordList()._passwords) >= 10_000


def test_every_one_of_the_list_is_found() -> None:
    common = CommonPasswordList()
    assert [one for one in common._passwords if one not in common] == []
