"""Mails as messages (RFC 5322), the same bytes for the same letter."""

import hashlib
from email.headerregistry import Address, BaseHeader, HeaderRegistry, UnstructuredHeader
from email.message import EmailMessage
from email.policy import SMTP, Policy
from email.utils import format_datetime

import idna

from sidepro.domain.mail.ports import Letter

MAX_LINE = 998
"""Octets of a line (RFC 5322, section 2.1.1)."""


class _AddressHeader(UnstructuredHeader, BaseHeader):
    """A web address on one line. The default folds a long one into encoded words, in which mail
    programs do not look for it (RFC 2369, section 2).
    """

    def fold(self, *, policy: Policy) -> str:
        return f"{self.name}: {self}{policy.linesep}"


_HEADERS = HeaderRegistry()
_HEADERS.map_to_type("List-Unsubscribe", _AddressHeader)


def build_message(letter: Letter, sender: Address) -> EmailMessage:
    """The message. Its policy takes addresses beyond ASCII only if the letter's needs it.

    Raises:
        ValueError: a header would contain a line break.
    """
    recipient = ascii_domain(letter.to)
    message = EmailMessage(
        policy=SMTP.clone(utf8=not recipient.isascii(), header_factory=_HEADERS)
    )
    message["From"] = sender
    message["To"] = _address(recipient)
    message["Subject"] = letter.subject
    message["Date"] = format_datetime(letter.date)
    message["Message-ID"] = letter.message_id
    message["Auto-Submitted"] = "auto-generated"
    if letter.unsubscribe_url is not None:
        message["List-Unsubscribe"] = f"<{letter.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message.set_content(letter.text, cte=_encoding(letter.text))
    message.add_alternative(letter.html, subtype="html", cte=_encoding(letter.html))
    message["Content-Language"] = letter.language.value
    # The default is random, and an address within one process.
    message.set_boundary(hashlib.sha256(letter.message_id.encode()).hexdigest()[:32])
    return message


def ascii_domain(address: str) -> str:
    """The address with its domain in Punycode, as every server takes it."""
    local, _, domain = address.rpartition("@")
    if domain.isascii():
        return address
    return f"{local}@{idna.encode(domain, uts46=True).decode('ascii')}"


def _address(address: str) -> Address:
    """The address for a header.

    Raises:
        ValueError: it is more, or less, than one address.
    """
    # The parser takes ASCII only. Letters of other scripts mean nothing to it.
    Address(addr_spec="".join(char if char.isascii() else "x" for char in address))
    local, _, domain = address.rpartition("@")
    return Address(username=local, domain=domain)


def _encoding(text: str) -> str:
    """Readable, unless a line is too long for that."""
    longest = max(len(line.encode()) for line in text.split("\n"))
    return "8bit" if longest <= MAX_LINE else "base64"
