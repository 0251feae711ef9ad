"""Jobs on a Dask cluster, answered in order; the scheduler gives those of a lost worker to another one."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from stampbench.firmware_emulator.errors import InputError, NoHardwareError, StampbenchError

JOBS_AHEAD = 3
"""Jobs handed out per thread of the cluster: answers travel while the next ones are worked on."""
CONNECT_S = 10.0
RETRIES = 2
"""Of a job that raised because the cluster failed it, beyond those that the scheduler makes by itself."""
_CHECK_EVERY = 50

Job = TypeVar("Job")
Done = TypeVar("Done")


def on_cluster(
    address: str,
    do: Callable[[Job], Done],
    jobs: Iterable[Job],
    *,
    say: Callable[[str], None] = lambda text: None,
) -> Generator[Done, None, None]:
    """Do jobs on the workers of a Dask scheduler and yield what comes of them, in the order of the jobs.

    Workers may come and go meanwhile. However the iteration ends, jobs that wait are cancelled.

    Args:
        address: of the scheduler, such as ``tcp://bench-1:8786``.
        do: does one job; what it returns depends on the job alone. The workers import it by its name.
        jobs: taken as they are needed.
        say: told how many workers there are, and when that changes.

    Raises:
        InputError: ``distributed`` is missing.
        NoHardwareError: nobody answers at the address, or there are no workers.
        StampbenchError: the cluster went away, or workers die of a job; or whatever ``do`` raises.
    """
    with _client(address) as client:
        threads = _threads(client, 0, say)
        waiting: deque[Any] = deque()
        coming = iter(jobs)
        answered = 0
        with _failures(address):
            try:
                while True:
                    room = max(1, JOBS_AHEAD * threads) - len(waiting)
                    for job in itertools.islice(coming, max(0, room)):
                        waiting.append(client.submit(do, job, pure=False, retries=RETRIES))
                    if not waiting:
                        return
                    done = waiting.popleft().result()
                    answered += 1
                    if answered % _CHECK_EVERY == 0:
                        threads = _threads(client, threads, say)
                    yield done
            finally:
                client.cancel(list(waiting))


def check_cluster(address: str) -> None:
    """Make sure that a scheduler with workers answers, before anything is begun.

    Raises:
        InputError: no address, or ``distributed`` is missing.
        NoHardwareError: nobody answers, or there are no workers.
    """
    with _client(address):
        pass


@contextmanager
def _client(address: str) -> Iterator[Any]:
    try:
        import distributed
    except ImportError:
        raise InputError("--dask needs the package distributed: expected stampbench[dask]") from None
    from distributed.comm.addressing import get_address_host_port

    try:
        get_address_host_port(address)  # a client that was made for what is no address is slow to go away
        cluster: Any = distributed
        client = cluster.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError) as error:
        raise NoHardwareError(f"--dask {address}: no scheduler answers: {error}") from None
    except ValueError as error:
        raise InputError(f"--dask {address!r}: {error}: expected one such as tcp://host:8786") from None
    try:
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError:
            raise NoHardwareError(
                f"--dask {address}: the scheduler has no workers: expected dask worker {address}"
            ) from None
        yield client
    finally:
        client.close()


@contextmanager
def _failures(address: str) -> Iterator[None]:
    """Raise what can become of a cluster as errors of the bench."""
    from asyncio import CancelledError as LoopCancelledError
    from concurrent.futures import CancelledError

    from distributed import KilledWorker
    from distributed.comm.core import CommClosedError

    try:
        yield
    except KilledWorker as error:
        raise StampbenchError(f"--dask {address}: workers died of one job again and again: {error}") from None
    except (CommClosedError, CancelledError, LoopCancelledError) as error:
        raise StampbenchError(f"--dask {address}: the cluster went away: {error}") from None


def _threads(client: Any, before: int, say: Callable[[str], None]) -> int:
    """Return how many jobs the cluster can do at once."""
    threads = int(sum(client.nthreads().values()))
    if threads != before:
        say(f"the cluster does {threads} jobs at once")
    return threads
