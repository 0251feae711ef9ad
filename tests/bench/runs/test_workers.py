from __future__ import annotations

import pytest
from stampbench.bench.runs.workers import DEATHS_IN_A_ROW, in_order
from stampbench.firmware_emulator.errors import StampbenchError

WORK = """
import os

def start(folder):
    global FOLDER
    FOLDER = folder

def dies_once(job):
    number, deadly = job
    if deadly and not os.path.exists(os.path.join(FOLDER, str(number))):
        open(os.path.join(FOLDER, str(number)), "x").close()
        os._exit(1)
    return number * number

def dies(job):
    os._exit(1)

def refuses(job):
    raise ValueError(job)
"""


@pytest.fixture
def work(tmp_path, monkeypatch):
    """A module that worker processes find: they search where this process does."""
    (tmp_path / "work_of_workers.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    import work_of_workers

    yield work_of_workers
    monkeypatch.delitem(__import__("sys").modules, "work_of_workers")


def answers(work, do, jobs, tmp_path, said=lambda text: None):
    return list(in_order(do, jobs, workers=2, start=work.start, arguments=(str(tmp_path),), say=said))


def test_answers_come_in_the_order_of_the_jobs(work, tmp_path):
    jobs = [(number, False) for number in range(20)]
    assert answers(work, work.dies_once, jobs, tmp_path) == [number * number for number in range(20)]


def test_jobs_of_a_worker_that_dies_are_done_again(work, tmp_path):
    said = []
    jobs = [(number, number in (0, 5)) for number in range(8)]
    assert answers(work, work.dies_once, jobs, tmp_path, said.append) == [n * n for n in range(8)]
    assert said == ["a worker process died; its presses are made again"] * 2


def test_workers_that_keep_dying_end_the_run(work, tmp_path):
    with pytest.raises(StampbenchError, match=f"died {DEATHS_IN_A_ROW} times in a row"):
        answers(work, work.dies, [1, 2], tmp_path)


def test_error_of_a_job_comes_out_and_the_processes_end(work, tmp_path):
    with pytest.raises(ValueError, match="7"):
        answers(work, work.refuses, [7, 8], tmp_path)
