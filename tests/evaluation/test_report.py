import json
import re
import shutil

import pytest
from html_page import Page

from videmo.config import Params
from videmo.data.shards import open_dataset
from videmo.evaluation.answers import choose_questions
from videmo.evaluation.evaluate import MODELS, figures_json
from videmo.evaluation.judge import score
from videmo.evaluation.page.charts import curves
from videmo.evaluation.predictions import Prediction, write_predictions
from videmo.evaluation.report import duration, write_report
from videmo.evaluation.statistics import difference, estimate
from videmo.stage import StageReport
from videmo.tasks.catalog import TASKS

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'>"
PARAMS = Params()
STAGES = ("data_build", "data_validation", "sft_attribute", "tree_rl", "face15_eval", "promotion")


@pytest.fixture(scope="module")
def outputs(tmp_path_factory, built_data):
    """Outputs of a run: real data, answers that are right now and then, and hostile ones."""
    root = tmp_path_factory.mktemp("store")
    shutil.copytree(built_data, root / "data_build")
    dataset = open_dataset(root / "data_build")
    (root / "data_build" / "quarantine.json").write_text(json.dumps([{"file": f"{EVIL}.mp4", "reason": "empty"}]))
    for stage in STAGES[1:]:
        (root / stage).mkdir()
        report = StageReport(stage, stage, root / stage, {}, 1.0)
        (root / stage / "stage.json").write_text(json.dumps(report.to_json()))
    rows = [{"step": step, "loss": 1 / (step + 1), "reward": None if step == 3 else step} for step in range(900)]
    (root / "tree_rl" / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    evaluated(root / "face15_eval", dataset)
    return root


def evaluated(output, dataset):
    samples = choose_questions(dataset, None).samples
    scores = {}
    (output / "predictions").mkdir()
    for number, model in enumerate(MODELS):
        answers = [
            Prediction(
                s.id, s.part, s.clip, dataset.clips[s.clip].person, s.question, s.answer,
                s.answer if index % 7 < number else EVIL + "\ud800",
            )
            for index, s in enumerate(samples)
        ]  # fmt: skip
        write_predictions(output / "predictions" / f"{model}.jsonl", answers)
        scores[model] = score(answers)
    content = {
        "judge": "rules", "resamples": 50, "seed": 0, "samples": len(samples), "clips": 6, "clusters": 3,
        "models": {model: figures_json(estimate(found, 50, 0)) for model, found in scores.items()},
        "gains": {"rl - base": figures_json(difference(scores["rl"], scores["base"], 50, 0))},
    }  # fmt: skip
    (output / "scores.json").write_text(json.dumps(content))


def steps(root, failed=None):
    found, broken = [], False
    for stage in STAGES:
        broken = broken or stage == failed
        status = "failed" if stage == failed else "not run" if broken else "succeeded"
        error = f"the loss is nan {EVIL}" if stage == failed else None
        inputs = [] if stage == "data_build" else ["data_build"]
        output = "" if broken else str(root / stage)
        found.append(
            {"stage": stage, "digest": "d", "output": output, "inputs": inputs, "cached": stage == "data_validation",
             "seconds": 0.0 if broken else 75.0, "status": status, "error": error}
        )  # fmt: skip
    return found


def written(tmp_path, root, failed=None):
    run = tmp_path / "monday"
    run.mkdir()
    page = write_report(run, PARAMS, steps(root, failed))
    return Page(page.read_text(encoding="utf-8")), json.loads((run / "metrics.json").read_text()), page


def test_metrics_have_the_fifteen_tasks_of_every_model(tmp_path, outputs):
    _, metrics, _ = written(tmp_path, outputs)
    assert list(metrics["face15"]) == list(metrics["tables"]) == list(metrics["mean15"]) == list(MODELS)
    for model in MODELS:
        assert list(metrics["face15"][model]) == list(TASKS)
        assert set(metrics["tables"][model]) == {"attribute", "expression", "understanding"}
    assert metrics["mean15"]["rl"] > metrics["mean15"]["base"]
    assert metrics["seconds"] == dict.fromkeys(STAGES, 75.0)
    assert metrics["quarantined"] == [{"file": f"{EVIL}.mp4", "reason": "empty"}]


def test_the_page_needs_no_network_and_runs_nothing(tmp_path, outputs):
    page, _, path = written(tmp_path, outputs)
    assert "script" not in page.tags
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    links = [value for _, name, value in page.attributes if name in ("src", "href", "data", "action")]
    assert all(value.startswith(("data:image/jpeg;base64,", "#")) for value in links)
    assert not re.search(r"url\(|@import|https?://", path.read_text(encoding="utf-8"))
    assert path.stat().st_size < 1_000_000


def test_hostile_answers_and_file_names_are_shown_as_text(tmp_path, outputs):
    page, _, _ = written(tmp_path, outputs)
    assert "<script>alert(1)</script><img src=x onerror=alert(2)>" in page.text


def test_the_page_shows_steps_tasks_trees_curves_and_data(tmp_path, outputs):
    page, _, _ = written(tmp_path, outputs)
    for shown in ("1 min 15 s", "cached", "video text relevance", "aspects agree", "loss", "reward", "Quarantined: 1"):
        assert shown in page.text
    assert page.tags.count("svg") == 2 + 2  # the steps twice, for wide and narrow windows, and two curves
    assert page.tags.count("img") >= 8


def test_a_loss_that_stands_still_is_drawn_and_what_steps_cost_comes_last(tmp_path, outputs):
    rows = [{"step": s, "reward": 0.0, "loss": 0.0, "kl": s / 9, "seconds": s, "tokens": s, "same": 1} for s in (1, 2)]
    assert list(curves(rows)) == ["loss", "reward", "kl", "seconds", "tokens"]


def test_where_few_people_were_asked_no_interval_is_shown(tmp_path, outputs):
    page, _, path = written(tmp_path, outputs)
    assert "± ?" in page.text
    assert "0.0–100.0" not in page.text
    assert "width:100.0%" not in re.sub(r'class="bar[^>]*>', "", path.read_text(encoding="utf-8"))


def test_a_run_that_a_person_stopped_did_not_fail(tmp_path, outputs):
    (tmp_path / "monday").mkdir()
    stopped = [
        {**step, "error": "stopped by the user"} if step["error"] else step for step in steps(outputs, "tree_rl")
    ]
    page = Page(write_report(tmp_path / "monday", PARAMS, stopped).read_text(encoding="utf-8"))
    assert "The run was stopped in tree_rl" in page.text
    assert "failed" not in page.text


def test_every_picture_has_words_for_those_who_do_not_see_it(tmp_path, outputs):
    page, _, _ = written(tmp_path, outputs)
    for tag, name in (("img", "alt"), ("svg", "aria-label")):
        described = [value for found, attribute, value in page.attributes if (found, attribute) == (tag, name)]
        assert len(described) == page.tags.count(tag)
        assert all(described)


@pytest.mark.parametrize("failed", STAGES)
def test_a_run_that_failed_anywhere_has_a_report_that_says_where_and_why(tmp_path, outputs, failed):
    page, metrics, _ = written(tmp_path, outputs, failed)
    assert f"The run failed in {failed}." in page.text
    assert f"the loss is nan {EVIL}" in page.text
    assert list(metrics["seconds"]) == list(STAGES[: STAGES.index(failed)])
    assert bool(metrics["mean15"]) == (failed == "promotion")


def test_the_verdict_is_the_headline(tmp_path, outputs):
    (tmp_path / "monday").mkdir()
    verdict = {"passed": False, "reason": "The challenger is refused: it says nothing.", "gain": None}
    (tmp_path / "monday" / "verdict.json").write_text(json.dumps(verdict))
    text = write_report(tmp_path / "monday", PARAMS, steps(outputs)).read_text()
    assert re.search(r"<h1[^>]*>The challenger is refused: it says nothing\.</h1>", text)


@pytest.mark.parametrize(
    ("seconds", "shown"), [(8.44, "8.4 s"), (59.97, "60.0 s"), (725, "12 min 05 s"), (12000, "3 h 20 min")]
)
def test_durations_are_said_in_words(seconds, shown):
    assert duration(seconds) == shown
