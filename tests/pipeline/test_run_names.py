"""Names of runs: a plain word, held by one run at a time."""

import re

import pytest

from videmo.pipeline.run_names import check_name, held_name
from videmo.settings.errors import SettingError


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))


@pytest.mark.parametrize("name", ["", "a/b", "..", "latest", ".a", "x" * 64, "a b", "a\n"])
def test_a_name_that_is_no_plain_word_is_refused(name):
    with pytest.raises(SettingError, match="--name"):
        check_name(name)


def test_runs_that_start_in_the_same_second_have_names_of_their_own(tmp_path):
    with held_name(None) as first, held_name(None) as second, held_name(None) as third:
        assert len({first, second, third}) == 3
        assert all(re.fullmatch(r"\d{8}-\d{6}(-\d+)?", name) for name in (first, second, third))


def test_a_name_is_free_again_once_its_run_has_ended_and_not_before(tmp_path):
    with held_name("monday"):
        with pytest.raises(SettingError, match="a run of this name is going on"), held_name("monday"):
            pass
        with held_name("tuesday") as other:
            assert other == "tuesday"
    with held_name("monday") as again:
        assert again == "monday"


def test_a_home_that_is_no_directory_is_told_with_the_variable_that_says_where(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "file"))
    with pytest.raises(SettingError, match="VIDEMO_HOME"), held_name(None):
        pass


@pytest.mark.parametrize("name", ["100%", "what?"])
def test_a_home_that_mlflow_cannot_open_is_refused_at_the_door(tmp_path, monkeypatch, name):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / name))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    with pytest.raises(SettingError, match="VIDEMO_HOME"), held_name(None):
        pass
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://localhost:5000")
    with held_name(None) as given:
        assert given
