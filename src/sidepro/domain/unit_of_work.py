"""The unit of work: an atomic change of the stored state."""

from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self, TypeVar


class UnitOfWork(Protocol):
    """One transaction. A topic's ports add the repositories that its services use.

    Used as `async with factory() as work: …; await work.commit()`. Leaving the block without
    `commit` MUST undo every change. After `commit` returns, every change MUST survive a crash.
    Repositories MUST see every change that was committed before the read. Readers of a unit of
    work MUST see its own uncommitted changes.
    """

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    async def commit(self) -> None:
        """Make the changes durable.

        Raises:
            Unavailable: the store cannot be reached. The changes are undone, unless the connection
                broke during the commit itself: then the outcome is unknown.
        """
        ...


Work_co = TypeVar("Work_co", bound=UnitOfWork, covariant=True)

UnitOfWorkFactory = Callable[[], Work_co]
