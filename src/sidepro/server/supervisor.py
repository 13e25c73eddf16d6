"""Several worker processes on one port, and the supervisor that restarts them.

The workers accept from one listening socket. A worker that exits is restarted. When the
supervisor exits, even by SIGKILL, the workers stop too.
"""

import multiprocessing
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing.connection import Connection, wait

import structlog

from sidepro.server.service_manager import notify, report_alive, watchdog_interval

log = structlog.get_logger(__name__)

Work = Callable[[int, Callable[[], None]], None]
"""A worker's main function. Takes the worker's number, from 0 on, and a callback to report that
it is ready.

It returns on SIGTERM. It is pickled, because workers are spawned.
"""

RESTART_DELAY = 1.0
"""Seconds before a worker is restarted, so a crash loop does not take all CPU time."""

_SPAWN = multiprocessing.get_context("spawn")


class WorkerFailed(Exception):
    """A worker exited before all workers were ready."""


class _Worker:
    def __init__(self, work: Work, number: int) -> None:
        self.ready_pipe, child_end = _SPAWN.Pipe(duplex=False)
        self.is_ready = False
        self.process = _SPAWN.Process(target=_run, args=(work, number, child_end))
        self.process.start()
        child_end.close()

    def poll(self) -> bool:
        """Update `is_ready`. Returns whether the process is alive."""
        if not self.is_ready and self.ready_pipe.poll():
            try:
                self.is_ready = self.ready_pipe.recv()
            except EOFError:
                return False  # exited, or about to
        return self.process.is_alive()

    def join(self) -> int | None:
        """Wait for the process to exit. Returns its exit code."""
        self.process.join()
        code = self.process.exitcode
        self.process.close()
        self.ready_pipe.close()
        return code


def supervise(
    count: int, work: Work, on_ready: Callable[[], None], shutdown_timeout: float
) -> None:
    """Run `count` workers until SIGTERM or SIGINT, then stop them.

    `on_ready` is called when all workers are ready. Workers that do not exit within
    `shutdown_timeout` seconds are killed.

    Raises:
        WorkerFailed: a worker exited before all were ready.
    """
    with _stop_signal() as stopped:
        workers = [_Worker(work, number) for number in range(count)]
        try:
            all_ready = False
            while stopped not in wait(
                [
                    stopped,
                    *(worker.process.sentinel for worker in workers),
                    *(worker.ready_pipe for worker in workers if not worker.is_ready),
                ],
                watchdog_interval(),
            ):
                report_alive()
                for number, worker in enumerate(workers):
                    if worker.poll():
                        continue
                    if not all_ready:
                        raise WorkerFailed
                    log.warning("worker_exited", number=number, exit_code=worker.join())
                    time.sleep(RESTART_DELAY)
                    workers[number] = _Worker(work, number)
                if not all_ready and all(worker.is_ready for worker in workers):
                    all_ready = True
                    on_ready()
        finally:
            notify("STOPPING=1")
            _stop(workers, shutdown_timeout)


def _stop(workers: list[_Worker], timeout: float) -> None:
    for worker in workers:
        worker.process.terminate()
    deadline = time.monotonic() + timeout
    for worker in workers:
        worker.process.join(max(0, deadline - time.monotonic()))
        if worker.process.is_alive():
            log.error("worker_killed", pid=worker.process.pid)
            worker.process.kill()
        worker.join()


@contextmanager
def _stop_signal() -> Iterator[socket.socket]:
    """A socket that becomes readable on SIGTERM or SIGINT, for `wait`."""
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    handlers = {
        number: signal.signal(number, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    previous = signal.set_wakeup_fd(writer.fileno())
    try:
        with reader, writer:
            yield reader
    finally:
        signal.set_wakeup_fd(previous)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _run(work: Work, number: int, ready_pipe: Connection) -> None:
    """The main function of a worker's process."""
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    work(number, partial(ready_pipe.send, True))


def _stop_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
