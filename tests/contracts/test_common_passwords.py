"""`CommonPasswords`: a long list, and the short one of the domain's tests."""

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
def test_what_is_tried_first_is_common_however_it_is_written(
    common: CommonPasswords, password: str
) -> None:
    assert password in common


@pytest.mark.parametrize(
    "password", ["", " password", "password ", "정확한 horse battery 9", "x" * 128, "\0", "\ud800"]
)
def test_what_nobody_tries_first_is_not_common(common: CommonPasswords, password: str) -> None:
    assert password not in common


# -------------------------------------------------------------------------------- the list alone


def test_at_least_ten_thousand_are_known() -> None:
    assert len(CommonPasswordList()._passwords) >= 10_000


def test_every_one_of_the_list_is_found() -> None:
    common = CommonPasswordList()
    assert [one for one in common._passwords if one not in common] == []
