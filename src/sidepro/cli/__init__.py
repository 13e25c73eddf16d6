"""The `sidepro` command. A failure prints one line to standard error and exits with non-zero."""

import os
import sys
from importlib import import_module

import click

COMMANDS = {
    "serve": ("serve:serve", "Serve the screens and the API."),
    "worker": ("jobs:worker", "Run background jobs."),
    "scheduler": ("jobs:scheduler", "Queue periodic jobs when they are due."),
    "migrate": ("data:migrate", "Migrate the database to the schema of this version."),
    "seed": ("data:seed", "Fill an empty database with demo data."),
    "users": ("users:users", "Administer accounts."),
    "mail": ("mail:mail", "Look at the mails to people, and retry failed ones."),
    "similarity": ("jobs:similarity", "Compute which users have similar skills."),
    "counters": ("data:counters", "Check the counts of bookmarks and comments."),
    "markdown": ("data:markdown", "Render Markdown."),
    "backup": ("backup:backup", "Write a backup of an embedded installation to one file."),
    "restore": ("backup:restore", "Restore a backup of an embedded installation."),
    "recovered": ("backup:recovered", "Tell chat clients that the data went back in time."),
    "move": ("move:move", "Move an embedded installation to PostgreSQL."),
    "openapi": ("data:openapi", "Print the OpenAPI document."),
}
"""Module and attribute of each command, and its line in the list of commands."""


class LazyGroup(click.Group):
    """Imports a command's module on use. `sidepro --help` imports none."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        if cmd_name not in COMMANDS:
            return None
        import_module("sidepro.bootstrap")  # before the libraries, which it imports in part
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(f"sidepro.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's signature
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (_, about) in COMMANDS.items()])


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
    except OSError as error:  # such as a full disk behind the output
        discard_output()
        if not isinstance(error, BrokenPipeError):  # a reader such as `head` has enough
            click.echo(f"sidepro: {error.strerror or error}", err=True)
        sys.exit(1)


def discard_output() -> None:
    """Write further output, and what is still in the buffer, to nowhere."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 99},
)
@click.version_option(package_name="sidepro")
def cli() -> None:
    """SidePro: a board of side projects, and coffee chats between their makers.

    Settings are environment variables (SIDEPRO_…) or lines of a file .env. The README lists them.
    """
