"""The progress of a command: a bar on standard error."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from typing import Protocol

import click


class ShowProgress(Protocol):
    """Shows how much is done, of a total if it is known, and the activity if it changes."""

    def __call__(self, done: int, total: int | None, activity: str | None = None) -> None: ...


@contextmanager
def progress_bar(activity: str) -> Iterator[ShowProgress]:
    """Show progress during the block. Without a terminal only the activities are printed."""
    with click.progressbar(count(), label=activity, show_pos=True, file=sys.stderr) as bar:

        def show(done: int, total: int | None, activity: str | None = None) -> None:
            bar.length, bar.finished = total, False
            bar.label = activity or bar.label
            bar.update(done - bar.pos)

        yield show
