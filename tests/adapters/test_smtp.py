"""Mails to a real SMTP server: encryption, authentication, refusals, and what arrives."""

from __future__ import annotations

import datetime as dt
import ssl
from dataclasses import replace
from email.headerregistry import Address
from ipaddress import ip_address
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sidepro.adapters.mail import smtp
from sidepro.adapters.mail.smtp import SmtpTransport
from sidepro.domain.language import Language
from sidepro.domain.mail.ports import (
    Letter,
    MailDelayed,
    MailProblem,
    MailRefused,
    MailServerUnavailable,
)
from sidepro.settings import parsers
from tests.factories import NOW
from tests.servers import free_port
from tests.servers.smtp import MailServer, mail_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

SENDER = Address("SidePro 커피챗", "hello", "sidepro.example")
LETTER = Letter(
    message_id="<1@sidepro.example>",
    date=NOW,
    to="mina@example.com",
    language=Language.KOREAN,
    subject="비밀번호가 바뀌었어요",
    text="안녕하세요.\n\nhttps://sidepro.example/password-reset?token=abc\n",
    html="<p>안녕하세요.</p>\n",
    unsubscribe_url=None,
)


def transport(server: MailServer, address: str, trust: ssl.SSLContext | None) -> SmtpTransport:
    return SmtpTransport(parsers.smtp(address.format(port=server.port)), SENDER, trust)


async def send(
    server: MailServer,
    letter: Letter = LETTER,
    address: str = "smtp://127.0.0.1:{port}",
    trust: ssl.SSLContext | None = None,
) -> None:
    sending = transport(server, address, trust)
    try:
        await sending.send(letter)
    finally:
        await sending.close()


async def refusal(
    server: MailServer,
    address: str = "smtp://127.0.0.1:{port}",
    trust: ssl.SSLContext | None = None,
) -> MailProblem:
    with pytest.raises(MailProblem) as caught:
        await send(server, address=address, trust=trust)
    assert not server.received
    return caught.value


@pytest.fixture
async def server() -> AsyncIterator[MailServer]:
    async with mail_server() as running:
        yield running


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The key and certificate of a server at 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.test")])
    now = dt.datetime.now(dt.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "mail.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def tls(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


@pytest.fixture
def trust(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


# ------------------------------------------------------------------------------- what arrives


async def test_a_mail_arrives_with_both_parts(server: MailServer) -> None:
    await send(server)
    (message,) = server.messages
    assert message["From"] == "SidePro 커피챗 <hello@sidepro.example>"
    assert message["To"] == "mina@example.com"
    assert message["Subject"] == LETTER.subject
    assert message["Message-ID"] == LETTER.message_id
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Content-Language"] == "ko"
    assert message["Date"].datetime == NOW.replace(microsecond=0)
    assert message["List-Unsubscribe"] is None
    plain, rich = message.iter_parts()
    assert (plain.get_content_type(), rich.get_content_type()) == ("text/plain", "text/html")
    assert plain.get_content().replace("\r\n", "\n") == LETTER.text
    assert rich.get_content().replace("\r\n", "\n") == LETTER.html
    ((sender, recipients, options),) = server.envelopes
    assert (sender, recipients) == ("hello@sidepro.example", ["mina@example.com"])
    assert "BODY=8BITMIME" in options


async def test_a_mail_sent_twice_has_the_same_bytes(server: MailServer) -> None:
    await send(server)
    await send(server)
    first, second = server.received
    assert first == second


async def test_a_notification_can_be_switched_off_with_one_click(server: MailServer) -> None:
    url = "https://sidepro.example/unsubscribe?token=" + "a" * 43
    await send(server, replace(LETTER, unsubscribe_url=url))
    # As mail programs read it: without encoded words, and longer than a usual line.
    (sent,) = server.received
    lines = sent.decode().partition("\r\n\r\n")[0].split("\r\n")
    assert f"List-Unsubscribe: <{url}>" in lines
    assert "List-Unsubscribe-Post: List-Unsubscribe=One-Click" in lines


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "Hello\r\nBcc: all@example.com"},
        {"subject": "Hello\nX-Spam: no"},
        {"to": "mina@example.com\r\nBcc: all@example.com"},
        {"to": "mina@example.com>, <all@example.com"},
        {"to": "mina@example.com, all@example.com"},
        {"message_id": "<1@example.com>\r\nBcc: all@example.com"},
        {"unsubscribe_url": "https://example.com\r\nBcc: all@example.com"},
    ],
)
async def test_no_member_adds_a_header_or_a_recipient(
    server: MailServer, changes: dict[str, str]
) -> None:
    with pytest.raises(MailRefused):
        await send(server, replace(LETTER, **changes))  # type: ignore[arg-type]  # texts only
    assert not server.received


async def test_long_lines_are_encoded(server: MailServer) -> None:
    text = "가" * 400 + "\n"
    await send(server, replace(LETTER, text=text))
    (message,) = server.messages
    assert max(map(len, server.received[0].split(b"\r\n"))) <= 998
    plain, _ = message.iter_parts()
    assert plain.get_content().replace("\r\n", "\n") == text


async def test_a_server_for_seven_bits_gets_ascii() -> None:
    async with mail_server(decode_data=True, enable_SMTPUTF8=False) as server:
        await send(server)
        (content,) = server.received
    assert str(content).isascii()


async def test_addresses_of_other_scripts_arrive(server: MailServer) -> None:
    await send(server, replace(LETTER, to="mina@커피.example"))
    await send(server, replace(LETTER, to="미나@커피.example"))
    recipients = [to for _, to, _ in server.envelopes]
    assert recipients == [["mina@xn--ve7b29i.example"], ["미나@xn--ve7b29i.example"]]
    assert "SMTPUTF8" in server.envelopes[1][2]


async def test_an_address_that_the_server_cannot_take_is_refused() -> None:
    async with mail_server(enable_SMTPUTF8=False) as server:
        with pytest.raises(MailRefused):
            await send(server, replace(LETTER, to="미나@example.com"))


# ------------------------------------------------------------------------------- connections


async def test_mails_share_a_connection(server: MailServer) -> None:
    sending = transport(server, "smtp://127.0.0.1:{port}", None)
    for number in range(3):
        await sending.send(replace(LETTER, message_id=f"<{number}@sidepro.example>"))
    await sending.close()
    assert (len(server.received), len(server.sessions)) == (3, 1)
    await sending.send(LETTER)
    assert len(server.sessions) == 2
    await sending.close()


async def test_starttls_is_used_where_it_is_offered(
    tls: ssl.SSLContext, trust: ssl.SSLContext
) -> None:
    async with mail_server(tls=tls) as server:
        await send(server, trust=trust)
        assert server.sessions[0].ssl is not None


async def test_required_starttls_is_not_forgone(server: MailServer) -> None:
    problem = await refusal(server, "smtp://127.0.0.1:{port}?starttls=required")
    assert isinstance(problem, MailServerUnavailable)


async def test_smtps_begins_encrypted(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    async with mail_server(tls=tls, implicit_tls=True) as server:
        await send(server, address="smtps://127.0.0.1:{port}", trust=trust)
        assert len(server.received) == 1


async def test_a_certificate_of_nobody_known_is_refused(tls: ssl.SSLContext) -> None:
    async with mail_server(tls=tls) as server:
        assert isinstance(await refusal(server), MailServerUnavailable)


async def test_the_sender_logs_in(tls: ssl.SSLContext, trust: ssl.SSLContext) -> None:
    login = ("side@pro", "p:ss/word")
    async with mail_server(tls=tls, login=login) as server:
        address = "smtp://side%40pro:p%3Ass%2Fword@127.0.0.1:{port}"
        await send(server, address=address, trust=trust)
        assert server.sessions[0].authenticated
        server.received.clear()
        problem = await refusal(server, "smtp://side%40pro:wrong@127.0.0.1:{port}", trust)
        assert isinstance(problem, MailServerUnavailable)
        assert "wrong" not in problem.reason


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ("550 no such user", MailRefused),
        ("450 busy", MailDelayed),
    ],
)
async def test_a_refused_recipient(
    server: MailServer, answer: str, kind: type[MailProblem]
) -> None:
    server.answer_to_recipient = answer
    problem = await refusal(server)
    assert (type(problem), problem.reason) == (kind, answer)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("554 spam", MailRefused), ("451 try later", MailDelayed)],
)
async def test_a_refused_text(server: MailServer, answer: str, kind: type[MailProblem]) -> None:
    server.answer_to_data = answer
    problem = await refusal(server)
    assert (type(problem), problem.reason) == (kind, answer)


async def test_the_connection_serves_after_a_refusal(server: MailServer) -> None:
    sending = transport(server, "smtp://127.0.0.1:{port}", None)
    server.answer_to_recipient = "550 no such user"
    with pytest.raises(MailRefused):
        await sending.send(LETTER)
    server.answer_to_recipient = "250 OK"
    await sending.send(LETTER)
    await sending.close()
    assert (len(server.received), len(server.sessions)) == (1, 1)


async def test_a_refused_sender_is_no_fault_of_the_mail(server: MailServer) -> None:
    server.answer_to_sender = "550 not from here"
    assert isinstance(await refusal(server), MailServerUnavailable)


async def test_a_server_that_is_away_or_silent_is_unavailable(
    server: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = MailServer(port=free_port())
    assert isinstance(await refusal(nobody), MailServerUnavailable)
    monkeypatch.setattr(smtp, "SEND_TIMEOUT", 0.2)
    server.hangs = True
    assert isinstance(await refusal(server), MailServerUnavailable)
