"""`sidepro users`: administration of accounts."""

import sys
from collections.abc import Callable, Coroutine
from typing import Any

import click

from sidepro.bootstrap import Container
from sidepro.cli.runtime import CommandError, load_settings, run_with_container
from sidepro.domain.accounts.administration_service import AdministrationService
from sidepro.domain.identity import Role


@click.group()
def users() -> None:
    """Administer accounts. NAME is an email or a username."""


def _ask_password(_context: click.Context, _option: click.Parameter, value: str | None) -> str:
    if value is not None:
        return value
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise CommandError("a password is required: one line on standard input, or --password")
    return line


_PASSWORD = click.option(
    "--password",
    callback=_ask_password,
    help="Safer if omitted: then it is prompted for, or read from standard input.",
)


@users.command("create-admin")
@click.argument("email")
@click.argument("username")
@_PASSWORD
def create_admin(email: str, username: str, password: str) -> None:
    """Create an administrator."""

    async def work(administration: AdministrationService) -> None:
        user = await administration.create_admin(email, username, password)
        click.echo(f"{user.username} <{user.email}> is an administrator")

    _administer(work)


@users.command()
@click.argument("name")
def deactivate(name: str) -> None:
    """Deactivate an account. Its sessions and sockets end. Log-in is refused."""

    async def work(administration: AdministrationService) -> None:
        user = await administration.set_active(name, active=False)
        click.echo(f"{user.username} is deactivated")

    _administer(work)


@users.command()
@click.argument("name")
def activate(name: str) -> None:
    """Activate a deactivated account."""

    async def work(administration: AdministrationService) -> None:
        user = await administration.set_active(name, active=True)
        click.echo(f"{user.username} is active")

    _administer(work)


@users.command("reset-password")
@click.argument("name")
@_PASSWORD
def reset_password(name: str, password: str) -> None:
    """Set a new password. The account's sessions end."""

    async def work(administration: AdministrationService) -> None:
        user = await administration.reset_password(name, password)
        click.echo(f"{user.username} has a new password")

    _administer(work)


@users.command("set-role")
@click.argument("name")
@click.argument("role", type=click.Choice([role.value for role in Role]))
def set_role(name: str, role: str) -> None:
    """Make somebody a member, a moderator or an administrator (admin)."""

    async def work(container: Container) -> None:
        user = await container.roles.set_role_of(name, Role(role))
        click.echo(f"{user.username} has the role {user.role.value}")

    run_with_container(load_settings(), work)


@users.command("list")
def list_users() -> None:
    """Print all accounts: id, email, username, and `administrator`, `moderator`, `deactivated`."""

    async def work(administration: AdministrationService) -> None:
        async for user in administration.users():
            flags = [
                *(["administrator"] if user.is_admin else []),
                *(["moderator"] if user.role is Role.MODERATOR else []),
                *([] if user.is_active else ["deactivated"]),
            ]
            click.echo("\t".join([str(user.id), user.email, user.username, ", ".join(flags)]))

    _administer(work)


def _administer(work: Callable[[AdministrationService], Coroutine[Any, Any, None]]) -> None:
    run_with_container(load_settings(), lambda container: work(container.administration))
