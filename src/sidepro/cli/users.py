"""`sidepro users`: what an operator does with accounts."""

import sys
from collections.abc import Awaitable, Callable

import click

from sidepro.cli.runtime import (
    CommandError,
    build,
    must_be_current,
    run_to_the_end,
    settings_of_process,
)
from sidepro.domain.accounts.administration_service import AdministrationService


@click.group()
def users() -> None:
    """Administer accounts. They are named by email or username."""


def _given_or_asked(_context: click.Context, _option: click.Parameter, value: str | None) -> str:
    if value is not None:
        return value
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise CommandError("a password is needed: one line on standard input, or --password")
    return line


_PASSWORD = click.option(
    "--password",
    callback=_given_or_asked,
    help="Without it the password is asked for, or read from standard input, which is safer.",
)


@users.command("create-admin")
@click.argument("email")
@click.argument("username")
@_PASSWORD
def create_admin(email: str, username: str, password: str) -> None:
    """Open the account of an administrator."""

    async def work(administration: AdministrationService) -> None:
        user = await administration.create_admin(email, username, password)
        click.echo(f"{user.username} <{user.email}> is an administrator")

    _administer(work)


@users.command()
@click.argument("name")
def deactivate(name: str) -> None:
    """Close an account: its sessions and sockets end, and nobody can log in."""

    async def work(administration: AdministrationService) -> None:
        user = await administration.set_active(name, active=False)
        click.echo(f"{user.username} is deactivated")

    _administer(work)


@users.command()
@click.argument("name")
def activate(name: str) -> None:
    """Open a closed account again."""

    async def work(administration: AdministrationService) -> None:
        user = await administration.set_active(name, active=True)
        click.echo(f"{user.username} is active")

    _administer(work)


@users.command("reset-password")
@click.argument("name")
@_PASSWORD
def reset_password(name: str, password: str) -> None:
    """Give an account a new password; its sessions end."""

    async def work(administration: AdministrationService) -> None:
        user = await administration.reset_password(name, password)
        click.echo(f"{user.username} has a new password")

    _administer(work)


@users.command("list")
def list_users() -> None:
    """Print all accounts: id, email, username, and what is special about them."""

    async def work(administration: AdministrationService) -> None:
        async for user in administration.users():
            special = [
                *(["administrator"] if user.is_admin else []),
                *([] if user.is_active else ["deactivated"]),
            ]
            click.echo("\t".join([str(user.id), user.email, user.username, ", ".join(special)]))

    _administer(work)


def _administer(work: Callable[[AdministrationService], Awaitable[None]]) -> None:
    settings = settings_of_process()

    async def run() -> None:
        platform = build(settings, "")
        try:
            await must_be_current(settings, platform)
            await work(platform.administration)
        finally:
            await platform.close()

    run_to_the_end(settings, run)
