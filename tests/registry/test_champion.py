"""Promotions in a real registry: in turn, at the same moment, and cut short."""

import getpass
import signal
import subprocess
import sys

import pytest
from changes import alias, back, gate
from mlflow.exceptions import MlflowException

from videmo.registry.champion import Refused, champion_of, follow, promote, read_history, versions_of
from videmo.registry.history import Change


def test_every_promotion_is_in_the_history_with_where_the_version_came_from(versions):
    gate(versions, 1, after=0)
    entry = gate(versions, 3, after=1)
    history = read_history(versions, "videmo")
    assert history.entries[-1] == entry
    assert (entry.number, entry.before, entry.change.version, entry.change.kind) == (2, "1", "3", "gate")
    assert entry.origin == {"policy": "p3", "data": "d1", "commit": "abc"}
    assert entry.who == getpass.getuser()
    assert history.champion == alias(versions) == "3"
    assert history.problems() == []


def test_a_promotion_that_was_decided_against_another_champion_is_refused_by_name(versions):
    gate(versions, 1, after=0)
    gate(versions, 2, after=1)
    with pytest.raises(Refused, match=r"after entry 1, with version 1 as champion, and version 2 has become.*entry 2"):
        gate(versions, 3, after=1)
    assert alias(versions) == "2"
    assert len(read_history(versions, "videmo").entries) == 2


AT_ONCE = """
import sys, time
from pathlib import Path
from videmo.registry import champion
from videmo.registry.history import Change
from videmo.registry.tracking import connect
version, there = sys.argv[1], Path(sys.argv[2])
append = champion._append
def wait_for_the_others(*given):
    (there / version).touch()
    while len(list(there.iterdir())) < 2:
        time.sleep(0.001)
    return append(*given)
champion._append = wait_for_the_others
try:
    champion.promote(connect(), "videmo", Change(version, "gate", 1, "better"))
except champion.Refused as refusal:
    print(refusal)
"""


def test_of_promotions_at_the_same_moment_one_wins_and_the_others_are_told(versions, tmp_path):
    gate(versions, 1, after=0)
    (tmp_path / "there").mkdir()
    commands = [[sys.executable, "-c", AT_ONCE, version, str(tmp_path / "there")] for version in "23"]
    started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    told = [process.communicate(timeout=120)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    history = read_history(versions, "videmo")
    assert len(history.entries) == 3
    assert len(history.counting) == 2
    winner = history.champion
    assert winner == alias(versions)
    for version, said in zip("23", told, strict=True):
        assert (said == "") == (version == winner)
        assert version == winner or f"version {winner} has become champion since (entry 2" in said


def test_a_request_that_reaches_the_server_twice_is_one_promotion(versions, monkeypatch):
    create = type(versions).create_model_version
    monkeypatch.setattr(type(versions), "create_model_version", lambda *a, **k: (create(*a, **k), create(*a, **k))[1])
    gate(versions, 1, after=0)
    assert gate(versions, 2, after=1).change.version == "2"
    history = read_history(versions, "videmo")
    assert (len(history.entries), len(history.counting), history.champion) == (4, 2, "2")


KILLED = """
import os, signal
from mlflow import MlflowClient
from videmo.registry.champion import promote
from videmo.registry.history import Change
from videmo.registry.tracking import connect
MlflowClient.set_registered_model_alias = lambda *given: os.kill(os.getpid(), signal.SIGKILL)
promote(connect(), "videmo", Change("2", "gate", 1, "better"))
"""


def test_a_promotion_that_was_killed_half_way_is_told_and_put_right_by_the_next(versions):
    gate(versions, 1, after=0)
    assert subprocess.run([sys.executable, "-c", KILLED]).returncode == -signal.SIGKILL
    history = read_history(versions, "videmo")
    assert (history.champion, alias(versions)) == ("2", "1")
    assert "the alias champion is on version 1, the history says version 2" in history.problems()[0]
    with pytest.raises(Refused):
        gate(versions, 3, after=1)
    gate(versions, 3, after=2)
    assert alias(versions) == "3"
    assert read_history(versions, "videmo").problems() == []


def test_a_champion_that_was_deleted_is_told_and_rolled_back_from(versions):
    gate(versions, 1, after=0)
    gate(versions, 2, after=1)
    versions.delete_model_version("videmo", "2")
    history = read_history(versions, "videmo")
    assert champion_of(versions, history) is None
    assert "a version or entry deleted" in history.problems()[0]
    assert follow(versions, "videmo").champion == "2"
    back(versions)
    assert alias(versions) == "1"


def test_a_promotion_that_was_decided_after_an_entry_that_is_gone_is_refused(versions):
    gate(versions, 1, after=0)
    versions.delete_model_version("videmo-history", "1")
    with pytest.raises(Refused, match="decided after entry 1, and that entry has been removed since"):
        gate(versions, 2, after=1)


def test_what_keeps_the_log_from_being_made_is_not_hidden(versions, monkeypatch):
    def down(self, name, **given):
        raise MlflowException("the server is down")

    monkeypatch.setattr(type(versions), "create_registered_model", down)
    with pytest.raises(MlflowException, match="the server is down"):
        gate(versions, 1, after=0)


def test_an_entry_that_somebody_removed_leaves_a_gap_and_the_rest_stands(versions):
    gate(versions, 1, after=0)
    gate(versions, 2, after=1)
    gate(versions, 3, after=2)
    versions.delete_model_version("videmo-history", "2")
    versions.delete_model_version_tag("videmo-history", "1", "videmo.kind")
    history = read_history(versions, "videmo")
    assert (history.removed, history.champion) == ((1, 2), "3")
    gate(versions, 4, after=3)
    assert alias(versions) == "4"


@pytest.mark.parametrize("name", ["ü 1%", 'say "x"', "a@b", "back\\slash", "-", "a%20b"])
def test_odd_names_of_models_work(registry, tmp_path, name):
    registry.create_registered_model(name)
    registry.create_model_version(name, tmp_path.as_uri())
    promote(registry, name, Change("1", "gate", 0, "better"))
    assert read_history(registry, name).champion == "1"
    assert len(versions_of(registry, name)) == 1
