"""Several serving processes on one port, and the one that watches over them.

They take turns at accepting from one listening socket. Who ends unasked is started again; when the
watching process ends, however it ends, they end too.
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

from sidepro.cli.runtime import CommandError

log = structlog.get_logger(__name__)

Work = Callable[[int, Callable[[], None]], None]
"""What a worker does, given its number from 0 on and what to call when it is ready. It ends on
SIGTERM. Sent to the worker's process, so it is made of what can be pickled.
"""

STARTED_AGAIN_AFTER = 1.0
"""Seconds, so that what cannot live is not started without a pause."""

_SPAWN = multiprocessing.get_context("spawn")


class _Worker:
    def __init__(self, work: Work, number: int) -> None:
        self.ready, says_ready = _SPAWN.Pipe(duplex=False)
        self.is_ready = False
        self.process = _SPAWN.Process(target=_run, args=(work, number, says_ready))
        self.process.start()
        says_ready.close()

    def look(self) -> bool:
        """Whether it is alive; notes whether it is ready."""
        if not self.is_ready and self.ready.poll():
            try:
                self.is_ready = self.ready.recv()
            except EOFError:
                return False  # it has ended, or will have in a moment
        return self.process.is_alive()

    def close(self) -> int | None:
        """Wait for its end; the exit code."""
        self.process.join()
        code = self.process.exitcode
        self.process.close()
        self.ready.close()
        return code


def supervise(count: int, work: Work, announce: Callable[[], None], stop_within: float) -> None:
    """Keep so many workers at work until SIGTERM or SIGINT; then end them all.

    `announce` is called once all are ready. Workers that do not end within `stop_within` seconds
    are killed.

    Raises:
        CommandError: one of them ended before all were ready.
    """
    with _signals() as signalled:
        workers = [_Worker(work, number) for number in range(count)]
        try:
            is_announced = False
            while signalled not in wait(
                [
                    signalled,
                    *(one.process.sentinel for one in workers),
                    *(one.ready for one in workers if not one.is_ready),
                ]
            ):
                for number, worker in enumerate(workers):
                    if worker.look():
                        continue
                    if not is_announced:
                        raise CommandError("a worker ended before it was ready")
                    log.warning("worker_ended", number=number, exit_code=worker.close())
                    time.sleep(STARTED_AGAIN_AFTER)
                    workers[number] = _Worker(work, number)
                if not is_announced and all(one.is_ready for one in workers):
                    is_announced = True
                    announce()
        finally:
            _stop(workers, stop_within)


def _stop(workers: list[_Worker], within: float) -> None:
    for worker in workers:
        worker.process.terminate()
    deadline = time.monotonic() + within
    for worker in workers:
        worker.process.join(max(0, deadline - time.monotonic()))
        if worker.process.is_alive():
            log.error("worker_killed", pid=worker.process.pid)
            worker.process.kill()
        worker.close()


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Something to wait for: it has a word as soon as a signal to stop came."""
    reads, writes = socket.socketpair()
    writes.setblocking(False)
    handlers = {
        number: signal.signal(number, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    before = signal.set_wakeup_fd(writes.fileno())
    try:
        with reads, writes:
            yield reads
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _run(work: Work, number: int, says_ready: Connection) -> None:
    """What a worker's process does."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    work(number, partial(says_ready.send, True))


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
