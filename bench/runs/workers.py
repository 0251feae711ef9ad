"""Jobs on worker processes, answered in order; the job of a worker that dies is done again."""

from __future__ import annotations

import itertools
import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from stampbench.firmware_emulator.errors import StampbenchError

JOBS_AHEAD = 2
"""Jobs handed out per worker: nobody waits for the slowest, and little is lost when a run ends early."""
DEATHS_IN_A_ROW = 3
"""After so many without an answer in between it is not chance, and the run ends."""

Job = TypeVar("Job")
Done = TypeVar("Done")


def in_order(
    do: Callable[[Job], Done],
    jobs: Iterable[Job],
    *,
    workers: int,
    start: Callable[..., None],
    arguments: tuple[Any, ...],
    say: Callable[[str], None] = lambda text: None,
) -> Generator[Done, None, None]:
    """Do jobs on fresh processes and yield what comes of them, in the order of the jobs.

    However the iteration ends, nothing new is begun and all processes end.

    Args:
        do: does one job; what it returns depends on the job alone.
        jobs: taken as they are needed.
        workers: processes.
        start: called with ``arguments`` in each process before its first job.
        arguments: of ``start``.
        say: told when a worker died.

    Raises:
        StampbenchError: workers keep dying; or whatever ``do`` raises.
    """
    pool = _Pool(workers, start, arguments)
    waiting: deque[tuple[Job, Future[Done]]] = deque()
    coming = iter(jobs)
    deaths = 0
    try:
        for job in itertools.islice(coming, JOBS_AHEAD * workers):
            waiting.append((job, pool.submit(do, job)))
        while waiting:
            try:
                done = waiting[0][1].result()
            except BrokenProcessPool:
                deaths += 1
                if deaths == DEATHS_IN_A_ROW:
                    raise StampbenchError(
                        f"worker processes died {deaths} times in a row: expected memory for {workers}"
                    ) from None
                say("a worker process died; its presses are made again")
                pool.renew()
                waiting = deque(
                    (job, future if _answered(future) else pool.submit(do, job)) for job, future in waiting
                )
                continue
            deaths = 0
            waiting.popleft()
            for job in itertools.islice(coming, 1):
                waiting.append((job, pool.submit(do, job)))
            yield done
    finally:
        pool.end()


def _answered(future: Future[Any]) -> bool:
    return future.done() and not isinstance(future.exception(), BrokenProcessPool)


class _Pool:
    """A process pool that can be renewed when it broke."""

    def __init__(self, workers: int, start: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        self._workers = workers
        self._arguments = (start, arguments)
        self._executor = self._new()

    def submit(self, do: Callable[[Job], Done], job: Job) -> Future[Done]:
        """Hand out a job; where the pool is broken, the answer says so."""
        try:
            return self._executor.submit(do, job)
        except BrokenProcessPool as error:
            broken: Future[Done] = Future()
            broken.set_exception(error)
            return broken

    def renew(self) -> None:
        """Start fresh processes."""
        self.end()
        self._executor = self._new()

    def end(self) -> None:
        """End all processes, after the jobs they are at."""
        self._executor.shutdown(cancel_futures=True)

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(
            self._workers,
            mp_context=multiprocessing.get_context("spawn"),
            initializer=_begin,
            initargs=self._arguments,
        )


def _begin(start: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Leave Ctrl-C to the parent, and end with it even if it is killed."""
    import os
    import signal
    import threading
    from multiprocessing.connection import wait

    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()

    def end_with_parent() -> None:
        if parent is not None:
            wait([parent.sentinel])
            os._exit(1)

    threading.Thread(target=end_with_parent, name="end-with-parent", daemon=True).start()
    start(*arguments)
