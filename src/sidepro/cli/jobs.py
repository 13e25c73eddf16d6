"""`sidepro worker`, `scheduler` and `similarity`."""

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

from sidepro import bootstrap as composition
from sidepro.cli.runtime import (
    CommandError,
    build,
    must_be_current,
    run_to_the_end,
    settings_of_process,
)
from sidepro.jobs import runner as running
from sidepro.jobs.tasks import JobRunner

Keeping = Callable[[JobRunner], AbstractAsyncContextManager[None]]

THREADS = 2
"""That compare people, of a process with nothing else to do; a serving one has but one for that.
With a hundred thousand people each takes 150 MiB.
"""


@click.command()
def worker() -> None:
    """Run the jobs that are due. Needs PostgreSQL and Redis; any number may run."""
    _keep("worker", running.working, "waits for jobs")


@click.command()
def scheduler() -> None:
    """Say when jobs are due. Needs PostgreSQL and Redis; one is enough, and two do no harm."""
    _keep("scheduler", running.scheduling, "says when jobs are due")


def _keep(name: str, keeping: Keeping, what_it_does: str) -> None:
    settings = settings_of_process(logging.INFO)
    if not settings.may_be_served_by_several:
        raise CommandError(
            f"`sidepro {name}` needs PostgreSQL and Redis (SIDEPRO_DATABASE_URL, "
            "SIDEPRO_REDIS_URL): without them `sidepro serve` runs the jobs itself"
        )

    async def run() -> None:
        platform = build(settings, settings.public_url or "", THREADS)
        try:
            await must_be_current(settings, platform)
            await _redis_must_answer(platform)
            stopped = _stopped()
            async with keeping(platform.job_runner):
                click.echo(f"sidepro {name} {what_it_does}; Ctrl-C stops it")
                await stopped.wait()
        finally:
            await platform.close()

    run_to_the_end(settings, run)


async def _redis_must_answer(platform: composition.Container) -> None:
    if platform.redis:
        try:
            await platform.redis.ping()
        except Exception as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise CommandError(f"cannot use Redis: {reason}") from error


def _stopped() -> asyncio.Event:
    """Is set by SIGTERM or SIGINT."""
    event = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, event.set)
    return event


@click.group()
def similarity() -> None:
    """Find out who is similar to whom, without waiting for the job."""


@similarity.command("run")
@click.option("--full", is_flag=True, help="From nothing: also what should not have changed.")
def similarity_run(full: bool) -> None:
    """Compute recommendations anew, once a run under way has ended."""
    settings = settings_of_process()

    async def run() -> None:
        platform = build(settings, "", THREADS)
        try:
            await must_be_current(settings, platform)
            with _progress() as bar:
                shown = bar.add_task("waiting for its turn", total=None)
                found = await platform.similarity.run(
                    full=full,
                    wait=True,
                    progress=lambda done, total: bar.update(
                        shown, description="comparing", completed=done, total=total
                    ),
                )
        finally:
            await platform.close()
        if found is None:
            click.echo("nothing was changed: a later run has left its result meanwhile")
        else:
            click.echo(
                f"{found.people} people, {found.changed} changed, in {found.seconds:.2f} s; "
                f"the result is of {found.computed_at.isoformat(timespec='seconds')}"
            )

    run_to_the_end(settings, run)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    )
