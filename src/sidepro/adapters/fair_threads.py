"""A thread pool with fair shares between people."""

import asyncio
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar, TypeVarTuple
from weakref import WeakValueDictionary

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")


class FairThreads:
    """A thread pool in which each key has at most one call, waiting or running.

    Further calls of the key wait for it. So a key uses at most one thread, and a call waits for
    at most one call of each other key.
    """

    def __init__(self, threads: int, name: str) -> None:
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._locks: WeakValueDictionary[Hashable, asyncio.Lock] = WeakValueDictionary()

    async def run(
        self,
        key: Hashable | None,
        function: Callable[[*Arguments], Result],
        *arguments: *Arguments,
    ) -> Result:
        """Call the function in a thread. Calls without a key wait for no other call."""
        lock = asyncio.Lock() if key is None else self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            job = self._threads.submit(function, *arguments)
            try:
                return await asyncio.shield(asyncio.wrap_future(job))
            except asyncio.CancelledError:
                # A running call cannot be stopped. The key stays taken until it ends.
                if not job.cancel():
                    await asyncio.wait([asyncio.wrap_future(job)])
                raise

    def close(self) -> None:
        """Finish the calls in the pool and stop the threads."""
        self._threads.shutdown()
