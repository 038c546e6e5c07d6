"""Promotions in a real registry: in turn, at the same moment, cut short, and by hand."""

import signal
import subprocess
import sys

import pytest

from videmo.registry.by_hand import promote_version, roll_back
from videmo.registry.champion import Refused, champion_of, promote, read_history, versions_of
from videmo.registry.gate import Verdict
from videmo.registry.history import Change
from videmo.registry.kept import keep_verdict
from videmo.registry.tracking import experiment_id


@pytest.fixture
def versions(registry, tmp_path):
    """Four registered versions, with no more to them than a run and tags."""
    registry.create_registered_model("videmo")
    for number in range(1, 5):
        run = registry.create_run(experiment_id(registry))
        tags = {"videmo.policy": f"p{number}", "videmo.data": "d1", "videmo.commit": "abc"}
        registry.create_model_version("videmo", tmp_path.as_uri(), run_id=run.info.run_id, tags=tags)
    return registry


def alias(client):
    return str(client.get_model_version_by_alias("videmo", "champion").version)


def gate(client, version, after):
    return promote(client, "videmo", Change(str(version), "gate", after, "better"))


def judged(client, version, **verdict):
    kept = {"passed": True, "reason": "better", "opponent": "champion", **verdict}
    keep_verdict(client, client.get_model_version("videmo", version), Verdict(**kept))


def by_hand(client, version, reason="I know", force=False):
    history = read_history(client, "videmo")
    return promote_version(client, history, client.get_model_version("videmo", version), reason, force)


def back(client, version="", reason=""):
    return roll_back(client, read_history(client, "videmo"), version, reason)


def test_every_promotion_is_in_the_history_with_where_the_version_came_from(versions):
    gate(versions, 1, after=0)
    entry = gate(versions, 3, after=1)
    history = read_history(versions, "videmo")
    assert history.entries[-1] == entry
    assert (entry.number, entry.before, entry.change.version, entry.change.kind) == (2, "1", "3", "gate")
    assert entry.evidence == {"policy": "p3", "data": "d1", "commit": "abc"}
    assert entry.who
    assert history.champion == alias(versions) == "3"
    assert history.problems() == []


def test_a_promotion_that_was_decided_against_another_champion_is_refused_by_name(versions):
    gate(versions, 1, after=0)
    gate(versions, 2, after=1)
    with pytest.raises(Refused, match="decided with version 1 as champion, and version 2 has become champion"):
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


def test_a_person_promotes_with_a_reason_what_the_gate_has_let_pass(versions):
    with pytest.raises(Refused, match="--reason is empty"):
        by_hand(versions, 1, reason=" ")
    with pytest.raises(Refused, match="has not judged it"):
        by_hand(versions, 1)
    judged(versions, 1, passed=False, reason="worse")
    with pytest.raises(Refused, match=r"has not let it pass \(worse\); --force"):
        by_hand(versions, 1)
    assert by_hand(versions, 1, force=True).change.kind == "forced"
    judged(versions, 2, after=1)
    entry = by_hand(versions, 2)
    assert (entry.change.kind, entry.change.reason) == ("by hand", "I know")
    assert entry.change.verdict.startswith("verdicts/")
    judged(versions, 3, after=1, opponent="champion, version 1")
    with pytest.raises(Refused, match="against the champion, version 1, and version 2 is champion now"):
        by_hand(versions, 3)
    with pytest.raises(Refused, match="is the champion already"):
        by_hand(versions, 2, force=True)


def test_rollbacks_are_in_the_history_and_lead_to_the_champion_before_or_a_named_one(versions):
    with pytest.raises(Refused, match="no earlier champion"):
        back(versions)
    gate(versions, 1, after=0)
    with pytest.raises(Refused, match="no earlier champion"):
        back(versions)
    gate(versions, 2, after=1)
    gate(versions, 3, after=2)
    with pytest.raises(Refused, match="version 4, was never champion"):
        back(versions, "4")
    assert back(versions, reason="it stares").change.version == "2"
    assert back(versions).change.version == "1"
    assert back(versions, "3").before == "1"
    kinds = [(entry.change.kind, entry.change.version) for entry in read_history(versions, "videmo").entries[3:]]
    assert kinds == [("rollback", "2"), ("rollback", "1"), ("rollback", "3")]
    assert alias(versions) == "3"


def test_a_champion_from_before_there_was_a_history_is_where_the_first_rollback_leads(versions):
    versions.set_registered_model_alias("videmo", "champion", "2")
    assert gate(versions, 3, after=0).before == "2"
    assert back(versions).change.version == "2"


def test_a_champion_that_was_deleted_is_told_and_rolled_back_from(versions):
    gate(versions, 1, after=0)
    gate(versions, 2, after=1)
    versions.delete_model_version("videmo", "2")
    with pytest.raises(Refused, match="version 2, is not in the registry any more"):
        champion_of(versions, read_history(versions, "videmo"))
    back(versions)
    assert alias(versions) == "1"


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
