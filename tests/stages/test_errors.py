import pytest

from videmo.settings.errors import SettingError
from videmo.stages.errors import error_line, first_line
from videmo.stages.report import STOPPED


@pytest.mark.parametrize(
    ("error", "first", "line"),
    [
        (SettingError("sft.steps = 0: use 1"), "sft.steps = 0: use 1", "sft.steps = 0: use 1"),
        (ValueError("no scores\nat all"), "no scores", "no scores"),
        (OSError("disk full"), "disk full", "OSError: disk full"),
        (RuntimeError(), "RuntimeError", "RuntimeError"),
        (ValueError(" \n "), "ValueError", "ValueError"),
    ],
)
def test_an_error_fits_in_one_line(error, first, line):
    assert (first_line(error), error_line(error)) == (first, line)


def test_a_run_that_the_user_stops_is_stopped_and_not_failed():
    assert error_line(KeyboardInterrupt()) == STOPPED
