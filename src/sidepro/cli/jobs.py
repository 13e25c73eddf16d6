"""`sidepro worker`, `scheduler` and `similarity`."""

import asyncio
import logging
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import click

from sidepro import bootstrap
from sidepro.bootstrap import Container
from sidepro.bootstrap.health import following_clock
from sidepro.cli.progress import progress_bar
from sidepro.cli.runtime import (
    CommandError,
    announce,
    bind,
    ensure_jobs,
    listen,
    load_settings,
    run_with_container,
    stop_on_hangup,
)
from sidepro.cli.startup import wait_for_database, wait_for_redis
from sidepro.jobs import runner
from sidepro.jobs.tasks import JobRunner
from sidepro.server.metrics_server import serve_metrics
from sidepro.server.service_manager import notify, watchdog
from sidepro.settings import Settings

THREADS = 2
"""Threads that compare users. Each takes about 150 MiB with 100,000 users. `serve` has one."""


@click.command()
def worker() -> None:
    """Run background jobs. Needs PostgreSQL and Redis. Any number of workers may run."""
    ensure_jobs()
    _run_until_stopped("worker", runner.worker, "waits for jobs")


@click.command()
def scheduler() -> None:
    """Queue periodic jobs when they are due. Needs PostgreSQL and Redis.

    One scheduler is enough. A second one does no harm.
    """
    _run_until_stopped("scheduler", runner.scheduler, "queues periodic jobs")


def _run_until_stopped(
    name: str, running: Callable[[JobRunner], AbstractAsyncContextManager[None]], activity: str
) -> None:
    settings = load_settings(logging.INFO)
    stop_on_hangup()
    if not settings.allows_several_processes:
        raise CommandError(
            f"`sidepro {name}` needs PostgreSQL and Redis (SIDEPRO_DATABASE_URL, "
            "SIDEPRO_REDIS_URL): without them `sidepro serve` runs the jobs itself"
        )

    async def work(container: Container) -> None:
        await wait_for_redis(settings, container)
        stopped = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        async with (
            following_clock(container.database),
            running(container.job_runner),
            monitored(settings, container),
            watchdog(),
        ):
            announce(f"sidepro {name} {activity}; Ctrl-C stops it")
            notify("READY=1")
            await stopped.wait()

    run_with_container(settings, work, threads=THREADS, wait=wait_for_database)


@asynccontextmanager
async def monitored(settings: Settings, container: Container) -> AsyncIterator[None]:
    """Serve health and metrics during the block, if they have an address of their own.

    Raises:
        CommandError: the address cannot be used.
    """
    if settings.metrics_bind is None:
        yield
        return
    with bind(*settings.metrics_bind) as listener:
        listen(listener)
        async with serve_metrics(bootstrap.monitoring_application(container), listener):
            yield


@click.group()
def similarity() -> None:
    """Compute which users have similar skills."""


@similarity.command("run")
@click.option("--full", is_flag=True, help="Compare all users, not only the changed ones.")
def similarity_run(full: bool) -> None:
    """Compute recommendations. Waits for a run in progress."""
    ensure_jobs()

    async def work(container: Container) -> None:
        with progress_bar("waiting for another run") as show_progress:
            run = await container.similarity.run(
                full=full,
                wait=True,
                progress=lambda done, total: show_progress(done, total, "comparing"),
            )
        if run is None:
            click.echo("nothing was changed: a later run has already stored its result")
        else:
            click.echo(
                f"{run.people} people, {run.changed} changed, in {run.seconds:.2f} s; "
                f"computed at {run.computed_at.isoformat(timespec='seconds')}"
            )

    run_with_container(load_settings(), work, threads=THREADS)
