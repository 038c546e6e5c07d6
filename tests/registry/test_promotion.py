"""The gate against a real MLflow on SQLite, with a tiny policy on disk."""

import json
import os
import random
import shutil

import numpy as np
import pytest

from videmo.backbone.policy import load_policy, save_policy
from videmo.config import Evaluation, Params, Promotion
from videmo.data.clip import Clip
from videmo.data.samples import Sample
from videmo.data.shards import encode_frame, write_index, write_shard
from videmo.data.tables import write_clips, write_samples
from videmo.evaluation.judge import RULES, Judge
from videmo.evaluation.predictions import Prediction, write_predictions
from videmo.orchestration.outcome import open_run, run_gate
from videmo.orchestration.step import Run
from videmo.registry import packaging, promotion
from videmo.registry.by_hand import promote_version, roll_back
from videmo.registry.champion import Refused, read_history
from videmo.registry.comparison import compare, registered_figures
from videmo.registry.gate import Verdict
from videmo.registry.kept import artifact, newest_verdict
from videmo.registry.promotion import decide, register, run
from videmo.registry.tracking import connect
from videmo.stage import StageReport
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import ask, is_open, write_answer
from videmo.tree.model import AffectiveTree, Pair
from videmo.tree.text import render

PARAMS = Params(evaluation=Evaluation(resamples=200, max_new_tokens=4), promotion=Promotion(model_name="videmo"))
TREE = AffectiveTree((Pair("age", "young"),), (Pair("brows", "raised"),), (Pair("emotion", "fear"),))
FRAMES, SIZE = 2, 28


def reference(part):
    aspect = part.aspects[0] if is_open(part) else None
    if not part.answers and not aspect:
        return aspect, render(TREE)
    answers = part.answers or ("brown",)
    if aspect:
        from videmo.tasks.questions import answer_space

        answers = answer_space(part, aspect)
    return aspect, write_answer(answers[:1], part, aspect)


def samples(clips):
    """One sample for each part of face-15, on each clip."""
    made = []
    for clip in clips:
        for part in PARTS.values():
            aspect, answer = reference(part)
            made.append(Sample(f"{clip}.{part.name}", clip, part.name, part.level, "test", ask(part, aspect), answer))
    return made


def complete(directory, stage, digest, config=None):
    directory.mkdir(parents=True, exist_ok=True)
    report = StageReport(stage, digest, directory, {}, 1.0, config or {})
    (directory / "stage.json").write_text(json.dumps(report.to_json()))
    return directory


def dataset(directory, digest, people=6):
    clips = [f"c{person}" for person in range(people)]
    (directory / "shards").mkdir(parents=True)
    frames = [encode_frame(np.full((SIZE, SIZE, 3), 40 * i, np.uint8)) for i in range(FRAMES)]
    write_index(
        write_shard(directory / "shards" / "00000.tar", [(c, {}, frames) for c in clips]), directory / "index.parquet"
    )
    known = [Clip(c, f"{c}.mp4", "faces", f"p{c}", "test", 1.0, 8.0, SIZE, SIZE, None, {}, TREE) for c in clips]
    write_clips(known, directory / "clips.parquet")
    write_samples(samples(clips), directory / "samples.parquet")
    (directory / "quarantine.json").write_text("[]")
    return complete(directory, "data_build", digest, {"data": {"frames": FRAMES, "frame_size": SIZE}})


def answers(path, right, people=6, without=None, wrong=()):
    """Predictions right in a share `right` of all samples, in none of the parts `wrong`."""
    draw = random.Random(0)
    lines = [
        Prediction(
            sample.id, sample.part, sample.clip, f"p{sample.clip}", sample.question, sample.answer,
            sample.answer if draw.random() < right and sample.part not in wrong else "?", f"{sample.clip}.mp4",
        )
        for sample in samples(f"c{person}" for person in range(people))
        if sample.part != without
    ]  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    write_predictions(path, lines)


@pytest.fixture(scope="module")
def policy(tmp_path_factory):
    directory = tmp_path_factory.mktemp("policy")
    save_policy(load_policy("tiny"), directory)
    return directory


@pytest.fixture
def evaluated(tmp_path, policy, registry):
    """A function that lays out what the promotion stage reads: a policy and its answers."""

    def lay_out(name, right, data="d1", base=0.2, **kind):
        where = tmp_path / name
        shutil.rmtree(where, ignore_errors=True)
        model = complete(where / "tree_rl", "tree_rl", f"policy-{name}", {"backbone": {"dtype": "float32"}})
        (model / "model").mkdir()
        for file in policy.iterdir():
            os.link(file, model / "model" / file.name)
        evaluation = complete(where / "face15_eval", "face15_eval", f"eval-{name}")
        answers(evaluation / "predictions" / "rl.jsonl", right, **kind)
        answers(evaluation / "predictions" / "base.jsonl", base)
        built = tmp_path / data
        return {
            "data_build": built if built.exists() else dataset(built, data),
            "face15_eval": evaluation,
            "tree_rl": model,
        }

    return lay_out


def champion():
    """The version that bears the name now."""
    return str(connect().get_model_version_by_alias("videmo", "champion").version)


def challenger():
    return str(connect().get_model_version_by_alias("videmo", "challenger").version)


def verdict_of(client, version):
    return newest_verdict(client, client.get_model_version("videmo", str(version)))


def promoted(inputs, tmp_path, name="run"):
    report = run(PARAMS, inputs, tmp_path / "out" / name)
    return report, json.loads((report.output / "verdict.json").read_text())


def test_the_first_model_that_beats_the_base_model_becomes_champion(evaluated, tmp_path):
    report, verdict = promoted(evaluated("a", 0.9), tmp_path)
    assert verdict["passed"]
    assert verdict["opponent"] == "base model"
    assert champion() == challenger() == "1"
    assert report.metrics["promoted"] == 1
    assert report.metrics["gain"] > 40


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


def test_a_run_repeated_registers_nothing_new_and_ends_the_same(evaluated, tmp_path):
    inputs = evaluated("a", 0.9)
    _, first = promoted(inputs, tmp_path, "first")
    _, again = promoted(inputs, tmp_path, "again")
    assert again == first
    assert len(connect().search_model_versions("name = 'videmo'")) == 1


def test_a_promotion_keeps_verdict_card_lineage_and_answers_and_is_in_the_history(evaluated, tmp_path):
    inputs = evaluated("a", 0.9)
    promoted(inputs, tmp_path)
    client = connect()
    version = client.get_model_version("videmo", "1")
    kept = {entry.path for folder in (None, "verdicts") for entry in client.list_artifacts(version.run_id, folder)}
    entry = read_history(client, "videmo").entries[0]
    assert {"model_card.md", "lineage.json", "predictions", entry.change.verdict} <= kept
    assert (entry.change.version, entry.change.kind, entry.change.reason) == ("1", "gate", verdict_of(client, 1).reason)
    assert entry.origin["data"] == "d1"
    assert entry.origin["policy"] == "policy-a"
    assert {"code", "image", "run"} <= set(entry.origin)
    card = artifact(client, version, "model_card.md").read_text()
    for told in (
        "# videmo, version 1",
        "head pose",
        "judge\n`rules`",
        "hiring, work",
        "| tree_rl | policy-a |",
        "Apache-2.0",
    ):
        assert told in card, told
    assert "not for decisions about people" in version.description
    lineage = json.loads(artifact(client, version, "lineage.json").read_text())
    assert lineage["tree_rl"]["config"] == {"backbone": {"dtype": "float32"}}


def test_a_model_that_was_rolled_back_does_not_come_back_by_itself(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    better = evaluated("b", 1.0)
    promoted(better, tmp_path, "b")
    client = connect()
    roll_back(client, read_history(client, "videmo"), "", "it stares")
    _, verdict = promoted(better, tmp_path, "again")
    assert champion() == "1"
    assert not verdict["passed"]
    assert "version 2, which a rollback took out of charge (entry 3: it stares)" in verdict["reason"]
    assert verdict["gain"][1] > 0


def test_a_challenger_whose_champion_changed_while_it_was_judged_is_told(evaluated, tmp_path, monkeypatch):
    promoted(evaluated("a", 0.3), tmp_path, "a")
    late = decide(PARAMS, evaluated("late", 0.8))
    promoted(evaluated("b", 0.6), tmp_path, "b")
    monkeypatch.setattr(promotion, "decide", lambda *given: late)
    with pytest.raises(Refused, match="version 2 has become champion since"):
        promoted(evaluated("late", 0.8), tmp_path, "late")
    assert champion() == "2"
    assert not (tmp_path / "out" / "late").exists()


def test_a_champion_by_force_stays_and_is_not_held_against_itself(evaluated, tmp_path):
    inputs = evaluated("a", 0.1)
    promoted(inputs, tmp_path, "a")
    client = connect()
    promote_version(client, read_history(client, "videmo"), client.get_model_version("videmo", "1"), "demo", force=True)
    _, verdict = promoted(inputs, tmp_path, "again")
    assert not verdict["passed"]
    assert "is the champion, version 1, already, by forced" in verdict["reason"]


def test_a_score_that_is_not_a_number_is_refused_and_the_gate_ends_well(evaluated, monkeypatch):
    broken = Judge("broken", lambda asked: [dict.fromkeys(score, float("nan")) for score in RULES.give(asked)])
    monkeypatch.setattr("videmo.evaluation.judge.choose_judge", lambda settings: broken)
    inputs = evaluated("a", 0.9)
    verdict = decide(PARAMS, inputs)
    assert not verdict.passed
    assert "is not a number" in verdict.reason
    register(PARAMS, inputs, verdict, "monday")
    assert (
        "could not compare"
        in artifact(connect(), connect().get_model_version("videmo", "1"), "model_card.md").read_text()
    )


def test_versions_are_compared_on_what_both_answered_and_on_nothing_else(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    promoted(evaluated("b", 0.9), tmp_path, "b")
    inputs = evaluated("c", 0.8, data="d2")
    register(PARAMS, inputs, Verdict(False, "not judged", ""), "c")
    client = connect()
    a, b, c = (client.get_model_version("videmo", number) for number in "123")
    found = compare(client, a, b, PARAMS.evaluation)
    assert found.samples == len(samples(f"c{person}" for person in range(6)))
    assert found.gains.mean15.low > 10
    assert found.as_dict()["versions"]["2"]["mean15"][0] == pytest.approx(found.figures[1].mean15.value)
    with pytest.raises(ValueError, match="no test set in common"):
        compare(client, b, c, PARAMS.evaluation)


def test_the_report_gets_the_champion_and_others_that_answered_the_same_questions(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    promoted(evaluated("b", 0.9), tmp_path, "b")
    promoted(evaluated("worse", 0.1), tmp_path, "worse")
    inputs = evaluated("c", 0.8)
    register(PARAMS, inputs, decide(PARAMS, inputs), "c")
    shown = registered_figures(PARAMS, inputs)
    assert shown["judge"] == "rules"
    assert list(shown["models"]) == ["champion, version 2", "version 3", "version 1"]
    figures = shown["models"]["champion, version 2"]
    assert set(figures) == {"column", "task", "table", "mean15"}
    assert figures["mean15"][0] > 80


def test_the_gate_step_leaves_the_verdict_and_the_champions_figures_in_the_runs_folder(evaluated, tmp_path):
    promoted(evaluated("a", 0.5), tmp_path, "a")
    manifests = []
    for stage, output in evaluated("b", 0.9).items():
        stored = tmp_path / "store" / stage / "digest"
        stored.parent.mkdir(parents=True)
        output.rename(stored)
        manifests.append(str(tmp_path / f"{stage}.json"))
        StageReport.read(stored).write_manifest(manifests[-1])
    assert run_gate(PARAMS.model_dump(mode="json"), {"name": "monday"}, manifests)
    folder = tmp_path / "runs" / "monday"
    assert json.loads((folder / "verdict.json").read_text())["opponent"] == "champion, version 1"
    assert list(json.loads((folder / "registered.json").read_text())["models"]) == ["champion, version 1"]
    assert (champion(), challenger()) == ("1", "2")
    open_run(Run("monday"), PARAMS)
    assert not (folder / "registered.json").exists()


def test_a_missing_column_is_refused(evaluated):
    verdict = decide(PARAMS, evaluated("a", 0.9, without="identity"))
    assert not verdict.passed
    assert "identity" in verdict.reason


def test_the_registered_model_answers_video_paths_with_trees(evaluated, tmp_path):
    import mlflow
    import pandas as pd

    inputs = evaluated("a", 0.9)
    version = register(PARAMS, inputs, decide(PARAMS, inputs), "monday")
    connect()
    model = mlflow.pyfunc.load_model("models:/videmo@challenger")
    missing = model.predict([str(tmp_path / "missing.mp4")])
    assert "error" in json.loads(missing[0])
    assert len(model.predict(pd.DataFrame({"video": ["a.mp4", "b.mp4"]}))) == 2
    assert str(model.metadata.signature.inputs) == "[string (required)]"
    assert model.input_example is not None
    assert version == "1"


def test_the_models_requirements_can_be_installed_from_an_index():
    requirements = packaging._requirements()
    assert all("==" in line and "+" not in line for line in requirements)
    assert any(line.startswith("transformers==") for line in requirements)
