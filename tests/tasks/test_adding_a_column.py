"""Adding a column is adding a row: the package is copied, a row added to its catalogue, and the copy asked."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import videmo

PART = """\
        Part("gaze", "expression", f"Where does the person look? {_CHOOSE_ONE}", ("at the camera", "away")),
        Part("fine_caption","""
COLUMN = """\
        Column("gaze", "affective_cues", "expression", "accuracy", ("gaze",)),
        *(_paper(name, name, "understanding","""
FACTS = """
import json, random
import numpy as np
from videmo.data.clip import Clip
from videmo.data.samples import make_samples
from videmo.data.sources.label_columns import KNOWN_COLUMNS
from videmo.evaluation.evaluate import scores_json
from videmo.evaluation.statistics import MEASURES, Scores
from videmo.registry.gate import judge_challenger
from videmo.settings.params import load_params
from videmo.tasks.scoring import score_answer
from videmo.tree.model import AffectiveTree

PARAMS = load_params(overrides=["evaluation.resamples=200"])

def scores(gain, columns):
    rows = [(f"{p}-{m}", m, f"p{p}", (90 if column == "gaze" else 40) + p + gain)
            for p in range(8) for m, (column, _) in enumerate(MEASURES) if columns(column)]
    samples, measures, clusters, values = zip(*rows)
    return Scores("rules", samples, np.array(measures), clusters, np.array(values, dtype=float))

def verdict(ours, theirs):
    judged = judge_challenger(scores(5, ours), scores(0, theirs), "champion", "", PARAMS.promotion, PARAMS.evaluation)
    cues = judged.challenger_tasks.get("affective_cues", [None])[0]
    return {"passed": judged.passed, "reason": judged.reason, "cues": cues, "columns": len(judged.challenger_columns)}

every, paper = lambda name: True, lambda name: name != "gaze"
clip = Clip("c", "c.mp4", "folder", "p", "test", 1.0, 8.0, 28, 28, None, {"gaze": ("away",)}, AffectiveTree((), (), ()))
(sample,) = make_samples(clip, random.Random(0))
answers = [score_answer("gaze", sample.question, words, sample.answer) for words in ("away", "at the camera")]
print(json.dumps({
    "read": "gaze" in KNOWN_COLUMNS,
    "question": sample.question,
    "answers": answers,
    "aggregates": [
        scores_json({"rl": scores(0, which)}, 8, PARAMS.evaluation)["paper_aggregates"] for which in (every, paper)
    ],
    "measured": verdict(every, every),
    "not measured": verdict(paper, paper),
    "champion without it": verdict(every, paper),
}))
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory) -> dict:
    copy = tmp_path_factory.mktemp("copy")
    shutil.copytree(Path(videmo.__file__).parent, copy / "videmo", ignore=shutil.ignore_patterns("__pycache__"))
    catalog = copy / "videmo" / "tasks" / "catalog.py"
    text = catalog.read_text(encoding="utf-8")
    for row in (PART, COLUMN):
        place = row.splitlines()[-1]
        assert text.count(place) == 1
        text = text.replace(place, row)
    catalog.write_text(text, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(copy)}
    process = subprocess.run(
        [sys.executable, "-c", FACTS], cwd=copy, env=environment, capture_output=True, text=True, check=False
    )
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


def test_its_labels_are_read_its_question_asked_and_its_answers_scored(facts):
    assert facts["read"]
    assert facts["question"] == "Where does the person look? Choose one: at the camera, away."
    assert facts["answers"] == [{"gaze": 100.0}, {"gaze": 0.0}]


def test_where_it_is_measured_it_counts_in_its_task(facts):
    assert facts["measured"]["passed"]
    assert facts["measured"]["columns"] == 34
    # Two columns at 40 and one at 90, and 5 more, on people at 0 to 7.
    assert facts["measured"]["cues"] == pytest.approx((40 + 40 + 90) / 3 + 5 + 3.5)


def test_where_no_data_measure_it_the_gate_judges_by_the_paper_s_columns(facts):
    assert facts["not measured"]["passed"]
    assert facts["not measured"]["columns"] == 33


def test_a_champion_that_was_not_asked_is_not_compared(facts):
    assert not facts["champion without it"]["passed"]
    assert "the champion has no score in gaze" in facts["champion without it"]["reason"]


def test_the_paper_s_aggregates_stay_what_they_were(facts):
    with_column, without = facts["aggregates"]
    assert with_column == without
    assert set(without) == {"rl"}
