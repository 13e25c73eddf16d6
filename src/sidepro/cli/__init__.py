"""The `sidepro` command. Whatever is wrong is one line on standard error and a code not 0."""

import sys

import click

from sidepro.cli.data import counters, markdown, migrate, openapi, seed
from sidepro.cli.jobs import scheduler, similarity, worker
from sidepro.cli.serve import serve
from sidepro.cli.users import users


def main() -> None:
    """The entry point."""
    try:
        cli(prog_name="sidepro", standalone_mode=False)
    except click.UsageError as error:
        where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
        click.echo(f"sidepro: {error.format_message()}{where}", err=True)
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("sidepro: interrupted", err=True)
        sys.exit(130)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 99})
@click.version_option(package_name="sidepro")
def cli() -> None:
    """SidePro: side projects on a board, and coffee chats between their makers.

    Settings are environment variables (SIDEPRO_…) or lines of a file .env; the README lists them.
    """


for command in (
    *(serve, worker, scheduler, migrate, seed, users, similarity),
    *(counters, markdown, openapi),
):
    cli.add_command(command)
