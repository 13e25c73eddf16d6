"""Forks into `sidepro` for each line of input; a program, which `sidepro_process.py` starts.

It imports the application once, which takes a second of processor time. Its password hashes are
cheap, since every test signs people up. A line of input is a JSON
object with the members of `sidepro_process.Launch`. Lines of output are `started PID` and, once
that process has ended, `ended PID CODE` with the exit code, or the signal as a negative number.
"""

import contextlib
import gc
import json
import os
import signal
import sys
from typing import Any

import sidepro.cli.serve
from sidepro.adapters.security import passwords

children: set[int] = set()
"""Forks that have not ended."""


def report(line: str) -> None:
    """Writes the line at once, also from within a signal handler."""
    with contextlib.suppress(BrokenPipeError):  # the tests are over
        os.write(1, f"{line}\n".encode())


def report_ends(*_: object) -> None:
    """Reports which children have ended."""
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            children.discard(pid)
            report(f"ended {pid} {os.waitstatus_to_exitcode(status)}")


def become(launch: dict[str, Any]) -> None:
    """Makes this fork what a new process in a session of its own would be."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    os.setsid()
    os.chdir(launch["folder"])
    os.environ.clear()
    os.environ.update(launch["environment"])
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, launch["out"], os.O_WRONLY | os.O_APPEND),
        (2, launch["err"], os.O_WRONLY | os.O_APPEND),
    ):
        opened = os.open(path, flags)
        os.dup2(opened, descriptor)
        os.close(opened)
    sys.argv = ["sidepro", *launch["arguments"]]
    exec(launch["patch"], {})


def fork_for_each_line() -> bool:
    """Returns True in each fork, and False at the end of the input."""
    for line in iter(sys.stdin.readline, ""):
        # the end is said after the start
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGCHLD])
        pid = os.fork()
        if pid == 0:
            become(json.loads(line))
            return True
        children.add(pid)
        report(f"started {pid}")
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGCHLD])
    return False


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is for the tests
    signal.signal(signal.SIGCHLD, report_ends)
    passwords.MEMORY_KIB = 8
    gc.collect()
    gc.freeze()
    if fork_for_each_line():
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sidepro.cli.main()
    else:
        for child in tuple(children):  # of tests that were killed
            with contextlib.suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
