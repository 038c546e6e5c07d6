"""The gate against a real MLflow on SQLite, with a tiny policy on disk."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from evaluated_models import BACKBONE, PARAMS, challenger, champion, judged, lose_answers, promote, promoted, verdict_of

from videmo.evaluation.judge import RULES, Judge
from videmo.registry.champion import Refused, read_history
from videmo.registry.gate_stage import asked_digest, decide, register
from videmo.registry.manual_promotion import promote_version, roll_back
from videmo.registry.tracking import connect
from videmo.registry.version_artifacts import artifact
from videmo.stages.report import StageReport
from videmo.stages.store import run_output_of


def card():
    """The model card of version 1."""
    client = connect()
    return artifact(client, client.get_model_version("videmo", "1"), "model_card.md", Path.read_bytes).decode()


def test_the_first_model_that_beats_the_base_model_becomes_champion(evaluated, tmp_path):
    inputs = evaluated("a", 0.9)
    report, verdict = promoted(inputs, tmp_path)
    assert verdict["passed"]
    assert verdict["opponent"] == "base model"
    assert champion() == challenger() == "1"
    assert verdict["origin"] == {"policy": "policy-a", "data": "d1", "asked": asked_digest(inputs)}
    assert report.metrics["promoted"] == 1
    assert verdict["gain"][0] > 40


def test_better_takes_over_and_equal_worse_or_uneven_do_not(evaluated, tmp_path):
    promoted(evaluated("a", 0.6), tmp_path, "a")
    for name, kind in (
        ("worse", {"right": 0.3}),
        ("equal", {"right": 0.6}),
        ("uneven", {"right": 1, "wrong": ("identity",)}),
    ):
        _, verdict = promoted(evaluated(name, **kind), tmp_path, name)
        assert not verdict["passed"], name
        assert verdict["opponent"] == "champion, version 1"
        assert champion() == "1"
    assert verdict["fallen"] == ["face_identity"]
    assert challenger() == "4"
    _, verdict = promoted(evaluated("better", 1.0), tmp_path, "better")
    assert verdict["passed"]
    assert champion() == "5"


def test_a_model_that_does_not_beat_the_base_model_is_registered_and_not_promoted(evaluated, tmp_path):
    _, verdict = promoted(evaluated("a", 0.1), tmp_path)
    assert not verdict["passed"]
    assert challenger() == "1"
    assert connect().get_registered_model("videmo").aliases == {"challenger": 1}


def test_a_champion_evaluated_on_other_data_is_asked_again_and_its_answers_are_kept(evaluated, tmp_path):
    promoted(evaluated("a", 1.0), tmp_path, "a")
    inputs = evaluated("b", 0.9, data="d2")
    first = decide(PARAMS, inputs)
    # The tiny policy itself, cut off after four tokens, is far from the answers that were written for version 1.
    assert first.opponent_mean15[0] < 60
    assert first.passed
    version = connect().get_model_version("videmo", champion())
    kept = [entry.path for entry in connect().list_artifacts(version.run_id, "predictions")]
    assert len(kept) == 2
    assert decide(PARAMS, inputs) == first
    lose_answers(connect(), version)
    assert decide(PARAMS, inputs) == first
    assert len(connect().list_artifacts(version.run_id, "predictions")) == 1


def test_a_run_repeated_registers_nothing_new_and_ends_the_same(evaluated, tmp_path):
    inputs = evaluated("a", 0.9)
    _, first = promoted(inputs, tmp_path, "first")
    _, again = promoted(inputs, tmp_path, "again")
    assert again == first
    assert len(connect().search_model_versions("name = 'videmo'")) == 1


def test_a_model_that_was_rolled_back_does_not_come_back_by_itself(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    better = evaluated("b", 1.0)
    promoted(better, tmp_path, "b")
    client = connect()
    roll_back(client, read_history(client, "videmo"), "", "it stares")
    _, verdict = promoted(better, tmp_path, "again")
    assert champion() == "1"
    assert not verdict["passed"]
    assert "version 2, which was rolled back (entry 3: it stares)" in verdict["reason"]
    assert verdict["gain"][1] > 0


def test_a_challenger_whose_champion_changed_after_the_gate_is_told(evaluated, tmp_path):
    promoted(evaluated("a", 0.3), tmp_path, "a")
    gate = judged(evaluated("late", 0.8), "late")
    promoted(evaluated("b", 0.6), tmp_path, "b")
    with pytest.raises(Refused, match="version 3 has become champion since"):
        promote(gate, "late")
    assert champion() == "3"
    assert not run_output_of("late", "promotion").exists()


def test_the_promotion_acts_on_what_the_gate_decided_and_decides_nothing(evaluated, monkeypatch):
    gate = judged(evaluated("a", 0.9))
    for name in ("decide", "register"):
        monkeypatch.setattr(f"videmo.registry.gate_stage.{name}", None)
    assert promote(gate).metrics == {"promoted": 1, "version": 1}
    assert champion() == "1"


def test_the_gate_promotes_nothing(evaluated):
    judged(evaluated("a", 0.9))
    assert connect().get_registered_model("videmo").aliases == {"challenger": 1}


def test_a_champion_by_force_stays_and_keeps_its_scores(evaluated, tmp_path):
    inputs = evaluated("a", 0.1)
    promoted(inputs, tmp_path, "a")
    client = connect()
    promote_version(client, read_history(client, "videmo"), client.get_model_version("videmo", "1"), "demo", force=True)
    kept, shown = verdict_of(client, 1), card()
    report, verdict = promoted(inputs, tmp_path, "again")
    assert not verdict["passed"]
    assert "is the champion, version 1, already, by forced (entry 1)" in verdict["reason"]
    assert verdict["challenger_mean15"] == kept.challenger_mean15
    assert report.metrics["promoted"] == 1
    assert (verdict_of(client, 1), card()) == (kept, shown)


def test_a_champion_that_was_gone_back_to_keeps_its_scores(evaluated, tmp_path):
    inputs = evaluated("a", 0.5)
    promoted(inputs, tmp_path, "a")
    promoted(evaluated("b", 1.0), tmp_path, "b")
    client = connect()
    roll_back(client, read_history(client, "videmo"), "", "it stares")
    kept, shown = verdict_of(client, 1), card()
    _, verdict = promoted(inputs, tmp_path, "again")
    assert "is the champion, version 1, already, by rollback (entry 3)" in verdict["reason"]
    assert verdict["gain"] == kept.gain
    assert (verdict_of(client, 1), card()) == (kept, shown)


def test_a_model_forced_after_it_lost_a_race_is_not_said_to_have_won_it(evaluated, tmp_path):
    promoted(evaluated("a", 0.3), tmp_path, "a")
    inputs = evaluated("late", 0.8)
    register(PARAMS, inputs, decide(PARAMS, inputs), "late")
    promoted(evaluated("b", 0.6), tmp_path, "b")
    client = connect()
    promote_version(client, read_history(client, "videmo"), client.get_model_version("videmo", "2"), "demo", force=True)
    _, verdict = promoted(inputs, tmp_path, "again")
    assert "becomes champion" not in verdict["reason"]
    assert "already, by forced" in verdict["reason"]


def test_where_the_champion_was_deleted_a_challenger_meets_the_base_model_and_the_reason_says_so(evaluated, tmp_path):
    promoted(evaluated("a", 0.9), tmp_path, "a")
    connect().delete_model_version("videmo", "1")
    inputs = evaluated("b", 0.6)
    register(PARAMS, inputs, decide(PARAMS, inputs), "gate")
    _, verdict = promoted(inputs, tmp_path, "b")
    assert verdict["opponent"] == "base model"
    assert verdict["reason"].endswith("; the champion before, version 1, has been deleted.")
    assert champion() == "2"


def test_a_score_that_is_not_a_number_is_refused_and_the_gate_ends_well(evaluated, monkeypatch):
    broken = Judge("broken", lambda asked: [dict.fromkeys(score, float("nan")) for score in RULES.give(asked)])
    monkeypatch.setattr("videmo.evaluation.judge.choose_judge", lambda settings, limits: broken)
    inputs = evaluated("a", 0.9)
    verdict = decide(PARAMS, inputs)
    assert not verdict.passed
    assert "is not a number" in verdict.reason
    register(PARAMS, inputs, verdict, "monday")
    assert "could not compare" in card()


def test_a_missing_column_is_refused(evaluated):
    verdict = decide(PARAMS, evaluated("a", 0.9, without="identity"))
    assert not verdict.passed
    assert "identity" in verdict.reason


def test_answers_are_of_one_test_set_where_nothing_but_the_model_differs(evaluated):
    def asked(name="a", code="1", data="d1", **config):
        inputs = evaluated(name, 0.2, data=data, config={**BACKBONE, **config})
        report = replace(StageReport.read(inputs["answers_rl"]), code={"videmo/evaluation/answers.py": code})
        (inputs["answers_rl"] / "stage.json").write_text(json.dumps(report.to_json()))
        return asked_digest(inputs)

    known = asked()
    assert asked("b", backbone={"name": "another", "dtype": "float32"}) == known
    others = [
        asked(evaluation={"max_new_tokens": 5}),
        asked(backbone={"name": "tiny", "dtype": "bfloat16"}),
        asked(data="d2"),
        asked(code="2"),
    ]
    assert len({known, *others}) == 5
