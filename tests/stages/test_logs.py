import os
import subprocess
import sys
import time

import pytest

from videmo.stages.logs import captured_output


def test_a_log_gets_what_children_print_and_does_not_wait_for_those_that_stay(tmp_path):
    with captured_output(tmp_path / "logs" / "x.log"):
        os.write(1, b"from here\n")
        subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
        staying = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    staying.kill()
    staying.wait()
    deadline = time.monotonic() + 30
    while (tmp_path / "logs" / "x.log").read_text().splitlines() != ["from here", "from a child"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("shown", [True, False])
def test_what_is_logged_is_on_the_screen_as_well_only_where_it_is_to_be_shown(tmp_path, capfd, shown):
    with captured_output(tmp_path / "x.log", shown):
        os.write(2, b"words\n")
    os.write(2, b"later\n")
    seen = capfd.readouterr()
    assert ("words" in seen.out) == shown
    assert seen.err == "later\n"
    assert (tmp_path / "x.log").read_text() == "words\n"


def test_a_log_begins_anew(tmp_path):
    for words in ("first", "second"):
        with captured_output(tmp_path / "x.log", shown=False):
            os.write(1, f"{words}\n".encode())
    assert (tmp_path / "x.log").read_text() == "second\n"


def test_an_exception_is_in_the_log_and_goes_on(tmp_path):
    with pytest.raises(OSError, match="no space"), captured_output(tmp_path / "x.log", shown=False):
        raise OSError("no space")
    assert (tmp_path / "x.log").read_text().endswith("OSError: no space\n")
