"""`sidepro mail`."""

from uuid import UUID

import click

from sidepro.bootstrap import Container
from sidepro.cli.runtime import load_settings, run_with_container
from sidepro.domain.ids import MailId
from sidepro.domain.mail.mail import Mail, MailState

MOST = 10_000


@click.group()
def mail() -> None:
    """Look at the mails to people, and retry failed ones."""


@mail.command("list")
@click.option("--waiting", "state", flag_value="waiting", help="Only mails to be sent.")
@click.option("--sent", "state", flag_value="sent", help="Only mails that were sent.")
@click.option("--failed", "state", flag_value="failed", help="Only mails that were given up.")
@click.option("--limit", type=click.IntRange(1, MOST), default=100, show_default=True)
def list_mails(state: str | None, limit: int) -> None:
    """Print the newest mails: id, kind, address, state, attempts, time of writing, reason."""

    async def work(container: Container) -> None:
        for one in await container.mail.mails(MailState(state) if state else None, limit):
            click.echo(_line(one))

    run_with_container(load_settings(), work)


@mail.command()
@click.argument("ids", nargs=-1, type=click.UUID)
@click.option("--failed", is_flag=True, help="Retry all mails that were given up.")
def retry(ids: tuple[UUID, ...], failed: bool) -> None:
    """Try to send mails again, for another day. The server's next run sends them."""
    if bool(ids) == failed:
        raise click.UsageError("give ids or --failed")

    async def work(container: Container) -> None:
        chosen = list(map(MailId, ids))
        if failed:
            found = await container.mail.mails(MailState.FAILED, MOST)
            chosen = [one.id for one in found]
        for mail_id in chosen:
            click.echo(_line(await container.mail.retry(mail_id)))
        if not chosen:
            click.echo("no mail was given up")

    run_with_container(load_settings(), work)


def _line(one: Mail) -> str:
    created = one.created_at.isoformat(timespec="seconds")
    members = (one.id, one.kind, one.address, one.state, one.attempts, created, one.reason or "")
    return "\t".join(map(str, members))
