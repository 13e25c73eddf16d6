"""Builds what sends mails."""

from email.headerregistry import Address
from ipaddress import ip_address
from urllib.parse import urlsplit

from sidepro.adapters import system
from sidepro.adapters.factory import Storage
from sidepro.adapters.mail.composer import TextComposer
from sidepro.adapters.mail.folder import FolderTransport
from sidepro.adapters.mail.smtp import SmtpTransport
from sidepro.adapters.security.mail_tokens import HmacMailTokens
from sidepro.adapters.sql.digests import SqlDigestReader
from sidepro.adapters.sql.unit_of_work import SqlUnitOfWork
from sidepro.domain.accounts.mailed_tokens.account_mails import AccountMails
from sidepro.domain.digests.digest_service import DigestService
from sidepro.domain.mail.mail import MailKind
from sidepro.domain.mail.mail_sender import MailSender
from sidepro.settings import Settings


def build_digests(storage: Storage) -> DigestService:
    """The mails about unread things."""
    reader = SqlDigestReader(storage.database)
    return DigestService(storage.unit_of_work, reader, system.clock, system.new_id)


def build_mail_sender(
    settings: Settings,
    public_url: str,
    storage: Storage,
    tokens: HmacMailTokens,
    digests: DigestService,
) -> MailSender[SqlUnitOfWork]:
    """The sender: to the mail server of the settings, or into the data folder."""
    sender = settings.mail_from or _default_sender(public_url)
    accounts = AccountMails(tokens, system.clock)
    return MailSender(
        unit_of_work=storage.unit_of_work,
        preparers={
            MailKind.EMAIL_VERIFICATION: accounts.prepare_verification,
            MailKind.PASSWORD_RESET: accounts.prepare_reset,
            MailKind.DIGEST: digests.prepare,
        },
        composer=TextComposer(public_url),
        transport=(
            SmtpTransport(settings.smtp_url, sender)
            if settings.smtp_url
            else FolderTransport(settings.mails_folder, sender)
        ),
        tokens=tokens,
        clock=system.clock,
        domain=sender.domain,
    )


def _default_sender(public_url: str) -> Address:
    host = urlsplit(public_url).hostname or "localhost"
    try:
        ip_address(host)
    except ValueError:
        pass
    else:
        host = "localhost"
    return Address("SidePro", "noreply", host)
