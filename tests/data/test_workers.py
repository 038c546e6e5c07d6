import os
import subprocess
import sys
import time

import psutil
import pytest

from videmo.data.workers import Workers


def square(number: int) -> int:
    if number in (3, 7):
        os._exit(1)  # as a decoder does that runs over its memory
    return number * number


def test_an_item_that_kills_its_worker_is_lost_alone_and_the_order_stays():
    with Workers(2) as workers:
        assert list(workers.map(square, range(10), lost=lambda number: -number)) == [
            0,
            1,
            4,
            -3,
            16,
            25,
            36,
            -7,
            64,
            81,
        ]
        assert list(workers.map(square, [1, 2], lost=lambda number: -number)) == [1, 4]


def doze(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


def test_an_item_that_takes_longer_than_it_may_is_lost_alone():
    with Workers(2, longest=1.5) as workers:
        started = time.monotonic()
        assert list(workers.map(doze, [0, 3600, 0.1, 0.2], lost=lambda seconds: -1.0)) == [0, -1.0, 0.1, 0.2]
        assert time.monotonic() - started < 60


def test_no_worker_outlives_a_run_that_is_killed(tmp_path):
    (tmp_path / "busy.py").write_text(
        "import time\nfrom videmo.data.workers import Workers\n"
        "if __name__ == '__main__':\n"
        "    with Workers(2) as workers:\n"
        "        list(workers.map(time.sleep, [0.1] * 4, lost=lambda seconds: None))\n"
        "        print('busy', flush=True)\n"
        "        list(workers.map(time.sleep, [3600] * 4, lost=lambda seconds: None))\n"
    )
    with subprocess.Popen([sys.executable, tmp_path / "busy.py"], stdout=subprocess.PIPE, text=True) as run:
        assert run.stdout.readline() == "busy\n"
        workers = psutil.Process(run.pid).children(recursive=True)
        assert len(workers) >= 2
        run.kill()
    _, alive = psutil.wait_procs(workers, timeout=5)
    assert alive == []


def refuse(number: int) -> int:
    raise LookupError(f"no item {number}")


@pytest.mark.parametrize("count", [1, 2])
def test_an_error_in_the_work_is_raised_and_not_taken_for_a_lost_worker(count):
    with Workers(count) as workers, pytest.raises(LookupError, match="no item 1"):
        list(workers.map(refuse, [1], lost=lambda number: -number))
