"""A real SMTP server, which takes mails or refuses them as a test says."""

from __future__ import annotations

import asyncio
import email
import email.policy
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator
    from email.message import EmailMessage

OK = "250 OK"


@dataclass
class MailServer:
    """Received mails, and what the server answers. `hangs` makes it answer nothing."""

    port: int = 0
    received: list[bytes] = field(default_factory=list)
    envelopes: list[tuple[str, list[str], list[str]]] = field(default_factory=list)
    sessions: list[Any] = field(default_factory=list)
    answer_to_sender: str = OK
    answer_to_recipient: str = OK
    answer_to_data: str = OK
    hangs: bool = False

    @property
    def messages(self) -> list[EmailMessage]:
        """The received mails, parsed."""
        policy = email.policy.default
        return [email.message_from_bytes(data, policy=policy) for data in self.received]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        if self.answer_to_sender == OK:
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        if session not in self.sessions:
            self.sessions.append(session)
        return self.answer_to_sender

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Any, envelope: Any, address: str, _options: list[str]
    ) -> str:
        if self.answer_to_recipient == OK:
            envelope.rcpt_tos.append(address)
        return self.answer_to_recipient

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Any, envelope: Any
    ) -> str:
        if self.hangs:
            await asyncio.sleep(3600)
        if self.answer_to_data == OK:
            self.received.append(envelope.content)
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos, envelope.mail_options))
        return self.answer_to_data


@asynccontextmanager
async def mail_server(
    *,
    tls: ssl.SSLContext | None = None,
    implicit_tls: bool = False,
    login: tuple[str, str] | None = None,
    port: int = 0,
    **options: Any,
) -> AsyncIterator[MailServer]:
    """A server during the block. With `tls` it offers STARTTLS, or begins with it."""
    state = MailServer()

    def authenticate(
        _server: SMTP, _session: Any, _envelope: Any, _mechanism: str, data: LoginPassword
    ) -> AuthResult:
        presented = (data.login.decode(), data.password.decode())
        return AuthResult(success=presented == login, handled=False)

    def protocol() -> SMTP:
        return SMTP(
            state,
            hostname="mail.test",
            tls_context=None if implicit_tls else tls,
            authenticator=authenticate if login else None,
            auth_required=login is not None,
            auth_require_tls=tls is not None and not implicit_tls,
            **{"enable_SMTPUTF8": True, **options},
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        protocol, "127.0.0.1", port, ssl=tls if implicit_tls else None
    )
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()
