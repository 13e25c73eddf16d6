"""Hands mails to an SMTP server (RFC 5321)."""

import asyncio
import ssl
from contextlib import suppress
from email.headerregistry import Address
from email.policy import SMTP as SMTP_POLICY

import aiosmtplib

from sidepro.adapters.mail.message import ascii_domain, build_message
from sidepro.domain.mail.ports import (
    Letter,
    MailDelayed,
    MailRefused,
    MailServerUnavailable,
)
from sidepro.settings.parsers import SmtpServer

CONNECT_TIMEOUT = 15.0
SEND_TIMEOUT = 45.0
"""Seconds. Together less than `FIRST_PAUSE` of a mail."""

_PERMANENT = 500


class SmtpTransport:
    """See `sidepro.domain.mail.ports.MailTransport`. Keeps one connection for many mails."""

    def __init__(
        self, server: SmtpServer, sender: Address, tls_context: ssl.SSLContext | None = None
    ) -> None:
        self._server = server
        self._sender = sender
        self._tls_context = tls_context
        self._client: aiosmtplib.SMTP | None = None

    async def send(self, letter: Letter) -> None:
        client = await self._connected()
        try:
            async with asyncio.timeout(SEND_TIMEOUT):
                await self._send(client, letter)
        except ValueError as error:
            raise MailRefused("the mail has a header that cannot be sent") from error
        except aiosmtplib.SMTPRecipientsRefused as error:
            raise _refusal(error.recipients[0]) from error
        except aiosmtplib.SMTPNotSupported as error:
            raise MailRefused(str(error)) from error
        except (aiosmtplib.SMTPSenderRefused, aiosmtplib.SMTPAuthenticationError) as error:
            raise MailServerUnavailable(_reply(error)) from error
        except aiosmtplib.SMTPResponseException as error:
            raise _refusal(error) from error
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            client.close()  # without a farewell, for which a hanging server would be waited
            raise MailServerUnavailable(_reason(error)) from error

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None and client.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await client.quit(timeout=5)
            client.close()

    async def _send(self, client: aiosmtplib.SMTP, letter: Letter) -> None:
        message = build_message(letter, self._sender)
        recipient = ascii_domain(letter.to)
        options = []
        takes_8bit = client.supports_extension("8bitmime")
        if takes_8bit:
            options.append("BODY=8BITMIME")
        if not recipient.isascii():
            options.append("SMTPUTF8")
        policy = SMTP_POLICY.clone(
            cte_type="8bit" if takes_8bit else "7bit", utf8=not recipient.isascii()
        )
        await client.sendmail(
            self._sender.addr_spec,
            recipient,
            message.as_bytes(policy=policy),
            mail_options=options,
        )

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            username=server.username,
            password=server.password,
            # The default looks up the machine's name, which may take long.
            local_hostname=self._sender.domain,
            timeout=CONNECT_TIMEOUT,
            use_tls=server.uses_tls,
            start_tls=server.starttls,
            tls_context=self._tls_context,
        )
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await client.connect()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as error:
            client.close()
            raise MailServerUnavailable(_reason(error)) from error
        self._client = client
        return client


def _refusal(error: aiosmtplib.SMTPResponseException) -> MailRefused | MailDelayed:
    kind = MailRefused if error.code >= _PERMANENT else MailDelayed
    return kind(_reply(error))


def _reply(error: aiosmtplib.SMTPResponseException) -> str:
    return " ".join(f"{error.code} {error.message}".split())


def _reason(error: Exception) -> str:
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _reply(error)
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
