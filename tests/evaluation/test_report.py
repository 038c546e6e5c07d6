import base64
import hashlib
import json
import re
import shutil
from collections import Counter
from dataclasses import replace

import pytest
from finished_run import EVIL, PARAMS, STAGES, steps, write_steps, written
from html_page import Page

from videmo.data.shards import open_dataset
from videmo.evaluation.answers import choose_questions
from videmo.evaluation.evaluate import MODELS
from videmo.evaluation.predictions import read_answers
from videmo.evaluation.report import duration, write_report
from videmo.evaluation.report_page.charts import curves
from videmo.evaluation.report_page.examples import choose_examples
from videmo.tasks.catalog import COLUMNS, TASKS


def test_metrics_have_the_fifteen_tasks_of_every_model(tmp_path, outputs):
    _, metrics, _ = written(tmp_path, outputs)
    assert list(metrics["face15"]) == list(metrics["tables"]) == list(metrics["mean15"]) == list(MODELS)
    for model in MODELS:
        assert list(metrics["face15"][model]) == list(TASKS)
        assert set(metrics["tables"][model]) == {"attribute", "expression", "understanding"}
    assert metrics["mean15"]["rl"] > metrics["mean15"]["base"]
    assert metrics["seconds"] == dict.fromkeys(STAGES, 75.0)
    assert metrics["quarantined"] == [{"file": f"{EVIL}.mp4", "reason": "empty"}]


def test_the_page_needs_no_network_and_runs_nothing_but_its_own_script(tmp_path, outputs):
    page, _, path = written(tmp_path, outputs)
    (script,) = re.findall(r"<script>(.*?)</script>", path.read_text(encoding="utf-8"), re.DOTALL)
    assert page.tags.count("script") == 1
    (policy,) = [value for tag, name, value in page.attributes if tag == "meta" and "default-src" in value]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert policy == f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
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
    # The steps twice, for wide and narrow windows, two curves, and confidence.
    assert page.tags.count("svg") == 2 + 2 + 1
    assert page.tags.count("img") >= 8


def test_the_steps_that_ask_share_a_box_in_the_picture_which_says_what_they_took_together(tmp_path, outputs):
    page, _, _ = written(tmp_path, outputs)
    labels = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert "; answers succeeded 7 min 30 s; face15_eval succeeded" in labels[0]
    page, _, _ = written(tmp_path / "failed", outputs, failed="answers_rl")
    labels = [value for tag, name, value in page.attributes if (tag, name) == ("svg", "aria-label")]
    assert "; answers failed failed; face15_eval not run" in labels[0]


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
    stopped = [replace(step, error="stopped by the user") if step.error else step for step in steps(outputs, "tree_rl")]
    page = Page(write_steps(tmp_path / "monday", stopped).read_text(encoding="utf-8"))
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
    assert bool(metrics["mean15"]) == (failed in ("gate", "promotion"))


def test_the_verdict_is_the_headline(tmp_path, outputs):
    (tmp_path / "monday").mkdir()
    root = shutil.copytree(outputs, tmp_path / "store")
    verdict = {"passed": False, "reason": "The challenger is refused: it says nothing.", "gain": None}
    (root / "gate" / "verdict.json").write_text(json.dumps(verdict))
    text = write_steps(tmp_path / "monday", steps(root)).read_text()
    assert re.search(r"<h1[^>]*>The challenger is refused: it says nothing\.</h1>", text)


PASSED = {"passed": True, "reason": "The challenger becomes champion: it is better.", "gain": None}


def test_a_gate_that_failed_promoted_nothing(tmp_path, outputs):
    run = tmp_path / "monday"
    run.mkdir()
    failed = steps(outputs, failed="gate")
    text = write_report(run, PARAMS, failed, [step for step in failed if step.status == "failed"]).read_text()
    assert '<h1 class="bad">The run failed in gate.</h1>' in text


def test_where_the_promotion_failed_after_the_gate_passed_the_run_did_not_pass(tmp_path, outputs):
    run, root = tmp_path / "monday", shutil.copytree(outputs, tmp_path / "store")
    run.mkdir()
    (root / "gate" / "verdict.json").write_text(json.dumps(PASSED))
    failed = steps(root, failed="promotion")
    text = write_report(run, PARAMS, failed, [step for step in failed if step.status == "failed"]).read_text()
    assert '<h1 class="bad">The run failed in promotion.</h1>' in text


def test_a_damaged_output_is_told_and_not_taken_for_a_missing_one(tmp_path, outputs):
    root = shutil.copytree(outputs, tmp_path / "store")
    (root / "face15_eval" / "scores.json").write_text('{"judge": ')
    (tmp_path / "monday").mkdir()
    with pytest.raises(ValueError, match=r"Expecting value"):
        write_steps(tmp_path / "monday", steps(root))


@pytest.mark.parametrize(
    ("count", "places"),
    [(1, ["best"]), (2, ["best", "worst"]), (4, ["best", "upper third", "lower third", "worst"])],
)
def test_the_best_answer_is_called_so_however_few_there_are(outputs, count, places):
    dataset = open_dataset(outputs / "data_build")
    answers = read_answers(outputs / "answers_rl")
    tree = next(one for one in answers if one.part == "fine_caption")
    trees = [replace(tree, id=f"s{number}") for number in range(count)]
    assert [example.place for example in choose_examples(trees, dataset)] == places


@pytest.fixture
def registered(outputs):
    """What the gate leaves: the champion has the figures of sft_emotion."""
    scores = json.loads((outputs / "face15_eval" / "scores.json").read_text())
    return {"judge": "rules", "models": {"champion, version 3": scores["models"]["sft_emotion"]}}


def beside(tmp_path, root, registered):
    (tmp_path / "monday").mkdir()
    (tmp_path / "monday" / "registered.json").write_text(json.dumps(registered))
    return Page(write_steps(tmp_path / "monday", steps(root)).read_text(encoding="utf-8"))


def test_the_champion_stands_in_every_chart_and_table_of_the_models(tmp_path, outputs, registered):
    text = beside(tmp_path, outputs, registered).text
    # In the text above, 16 charts, and the heads of two tables.
    assert text.count("champion, version 3") == 1 + 16 + 2


def test_a_model_that_another_judge_scored_is_not_shown_beside_and_the_page_says_why(tmp_path, outputs, registered):
    text = beside(tmp_path, outputs, {**registered, "judge": "endpoint:large@there"}).text
    assert text.count("champion, version 3") == 1
    assert "Not shown beside them: champion, version 3. They were judged by endpoint:large@there, not rules" in text


def test_every_column_stands_in_a_row_with_its_parts_and_how_many_questions_were_asked(tmp_path, outputs):
    _, _, path = written(tmp_path, outputs)
    table = re.search(r'id="columns".*?<tbody>(.*?)</tbody>', path.read_text(encoding="utf-8"), re.DOTALL)[1]
    rows = [Page(row).text for row in table.split("</tr>")[:-1]]
    assert len(rows) == len(COLUMNS)
    asked = Counter(sample.part for sample in choose_questions(open_dataset(outputs / "data_build"), None).samples)
    (hair,) = [row for row in rows if row.startswith("open hair")]
    assert f"attribute open attribute accuracy {asked['hair']}" in hair
    assert hair.endswith(f"hair {asked['hair']}")


def test_single_choices_are_shown_with_what_is_taken_for_what_and_how_sure_the_model_was(tmp_path, outputs):
    page, _, _ = written(tmp_path, outputs)
    for shown in ("WAR", "UAR", "expected calibration error", "head pose", "unread", "Wrong, and sure of it"):
        assert shown in page.text


@pytest.mark.parametrize(
    ("seconds", "shown"), [(8.44, "8.4 s"), (59.97, "60.0 s"), (725, "12 min 05 s"), (12000, "3 h 20 min")]
)
def test_durations_are_said_in_words(seconds, shown):
    assert duration(seconds) == shown
