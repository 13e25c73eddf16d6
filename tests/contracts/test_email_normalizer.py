"""`EmailNormalizer`: the library's, and the fake of the domain's tests."""

import socket
from typing import Any, NoReturn

import pytest

from sidepro.adapters.security.passwords import normalize_email
from sidepro.domain.accounts.ports import EmailNormalizer
from tests.factories import email_syntax


@pytest.fixture(params=["library", "plain"])
def normal_form(request: pytest.FixtureRequest) -> EmailNormalizer:
    return normalize_email if request.param == "library" else email_syntax


ADDRESSES = {
    "minji@example.com": "minji@example.com",
    " minji@example.com\n": "minji@example.com",
    "Min.Ji+side@Example.COM": "Min.Ji+side@example.com",
    "민지@example.com": "민지@example.com",
    # decomposed, as macOS types it
    "re\u0301mi@example.com": "r\u00e9mi@example.com",
}


@pytest.mark.parametrize(("typed", "normalized"), ADDRESSES.items())
def test_an_address_has_one_normal_form(
    normal_form: EmailNormalizer, typed: str, normalized: str
) -> None:
    assert normal_form(typed) == normalized
    assert normal_form(normalized) == normalized


@pytest.mark.parametrize(
    "text",
    ["", "@", "minji", "minji@", "@example.com", "a@b@example.com", "min ji@example.com",
     "min\nji@example.com"],
)  # fmt: skip
def test_an_invalid_address_is_rejected(normal_form: EmailNormalizer, text: str) -> None:
    assert normal_form(text) is None


# ----------------------------------------------------------------------------- the library's alone


@pytest.mark.parametrize(
    "text",
    ["a..b@example.com", ".a@example.com", "a@example", "a@-example.com", "a@[127.0.0.1]",
     "a\0@example.com", "\ud800@example.com", "a@exam_ple.com", f"a@{'e' * 64}.com"],
)  # fmt: skip
def test_an_undeliverable_address_is_rejected(text: str) -> None:
    assert normalize_email(text) is None


def test_the_network_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: Any, **_options: Any) -> NoReturn:
        raise AssertionError("the network was asked")

    for name in ("socket", "getaddrinfo", "gethostbyname", "create_connection"):
        monkeypatch.setattr(socket, name, refuse)
    assert normalize_email("minji@gmail.com") == "minji@gmail.com"
