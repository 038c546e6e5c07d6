"""The settings of the ablations, what they share, and the files that are written of them."""

import json
import re
from dataclasses import replace
from math import prod
from pathlib import Path

import numpy as np
import pytest
from default_settings import params_with
from html_page import Page

from benchmarks.ablations.__main__ import main, tasks_of
from benchmarks.ablations.figures import COMPARED, Ablations
from benchmarks.ablations.page import MEANING, write
from benchmarks.ablations.paper import PAPER
from benchmarks.ablations.running import Task, make, make_all
from benchmarks.ablations.steps import RL, SETTINGS, changed, steps_of
from videmo.evaluation.predictions import PREDICTIONS, Prediction, write_predictions
from videmo.evaluation.statistics import MEASURES, Scores
from videmo.pipeline.dag import TABLE, plan
from videmo.stages.digest import code_read_once

SMOKE = Path(__file__).parents[2] / "params" / "ablations-smoke.yaml"
EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>"
PARAMS = changed(params_with(), "evaluation.resamples=50")
TINY = ("data.people=2", "data.clips_per_person=1", "data.frames=2", "data.frame_size=28", "execution.workers=1")
OWN = ("base", "attribute_only", "attribute_expression", "curriculum", "tree_grpo", "reasoning_4")  # of the pipeline
SHARED_BY_NO_SETTING = ("data_validation", "face15_eval")
GAIN = {setting: float(place) for place, setting in enumerate(SETTINGS)}


@pytest.fixture(scope="module", autouse=True)
def code_that_stays():
    with code_read_once():
        yield


@pytest.fixture(autouse=True)
def empty_home(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "home"))


def some_scores(gain: float, people: int = 8) -> Scores:
    """Every person scores every measure, about 40 plus `gain`."""
    rows = [(f"{p}-{m}", m, f"p{p}", 40 + p + gain) for p in range(people) for m in range(len(MEASURES))]
    samples, measures, clusters, values = zip(*rows, strict=True)
    return Scores("rules", samples, np.array(measures), clusters, np.array(values))


def found(params=PARAMS, seeds=(0, 1), settings=SETTINGS, people=8) -> Ablations:
    """Later settings score higher; so do later seeds."""
    ablations = Ablations(params, {seed: steps_of(params, seed) for seed in seeds})
    for setting in settings:
        ablations.scores[setting] = {seed: some_scores(GAIN[setting] + seed, people) for seed in seeds}
    return ablations


def test_the_default_settings_are_the_pipelines_own_steps():
    planned = {step.stage: step.digest for step in plan(PARAMS) if TABLE[step.stage].reusable}
    steps = steps_of(PARAMS, 0)
    own = {step.stage.name: step.digest for setting in OWN for step in steps[setting].chain()}
    assert own == {stage: planned[stage] for stage in planned if stage not in SHARED_BY_NO_SETTING}


def test_settings_share_what_they_can_and_the_base_and_the_data_are_every_seeds():
    answered = {seed: steps_of(PARAMS, seed) for seed in (0, 1, 2)}
    assert tuple(answered[0]) == SETTINGS
    # Six of fine-tuning, three of RL, twelve that answer; the data and the base model's answers once.
    assert len(tasks_of({0: answered[0]})) == 2 + 21
    assert len(tasks_of(answered)) == 2 + 3 * 21
    assert answered[0]["base"].output == answered[2]["base"].output
    assert answered[0]["attribute_only"].inputs[1] in answered[0]["curriculum"].chain()


def test_answers_that_stand_for_several_seeds_are_taken_in_for_all_of_them():
    some = Ablations(PARAMS, {seed: steps_of(PARAMS, seed) for seed in (0, 1)})
    for seed, setting in ((0, "base"), (0, "mixed")):
        output = some.answered[seed][setting].output
        output.mkdir(parents=True)
        write_predictions(output / PREDICTIONS, [Prediction("1", "identity", "c", "p", "Same?", "yes", "yes")])
    assert all(some.take_in(some.answered[0][setting]) for setting in ("base", "mixed"))
    assert not some.take_in(some.answered[0]["mixed"].inputs[1])
    assert list(some.scores["base"]) == [0, 1]
    assert list(some.scores["mixed"]) == [0]


def test_every_step_comes_after_what_it_reads():
    seen = set()
    for task in tasks_of({seed: steps_of(PARAMS, seed) for seed in (0, 1)}):
        assert {source.output for source in task.step.inputs} <= seen
        seen.add(task.step.output)


def test_single_levels_and_the_mixture_start_from_the_backbone():
    steps = steps_of(PARAMS, 0)
    for setting in ("mixed", "attribute_only", "expression_only", "emotion_only"):
        policy = steps[setting].inputs[1]
        assert [source.stage.name for source in policy.inputs] == ["data_build"]


def test_the_rl_settings_have_equal_leaves_and_differ_in_tree_and_reward_alone():
    chain, rewarded, tree = (steps_of(PARAMS, 0)[setting].inputs[1].params.rl for setting in RL)
    assert prod(chain.branching) == prod(rewarded.branching) == prod(tree.branching)
    assert chain.branching == rewarded.branching == (8, 1, 1)
    assert chain.reward.tree_weight == 0
    assert rewarded.model_copy(update={"branching": tree.branching}) == tree
    reward = rewarded.reward.model_copy(update={"tree_weight": 0.0})
    assert chain == rewarded.model_copy(update={"reward": reward})


def test_another_judge_or_more_resamples_ask_no_model_again():
    before, after = (steps_of(changed(PARAMS, f"evaluation.resamples={n}"), 0) for n in (10, 20))
    assert {s: step.output for s, step in before.items()} == {s: step.output for s, step in after.items()}


def test_the_file_holds_four_figures_for_every_setting_and_seed_and_nothing_else(tmp_path):
    write(tmp_path, found())
    values = json.loads((tmp_path / "ablations.json").read_text())
    assert tuple(values) == SETTINGS
    assert {tuple(of_seeds) for of_seeds in values.values()} == {("0", "1")}
    assert {tuple(figures) for of in values.values() for figures in of.values()} == {("mean15", "att", "exp", "und")}
    assert values["curriculum"]["1"]["mean15"] == pytest.approx(40 + 3.5 + GAIN["curriculum"] + 1)


def test_differences_are_paired_by_seed_and_pooled_over_them(tmp_path):
    write(tmp_path, found())
    compared = json.loads((tmp_path / "comparisons.json").read_text())["differences"]
    assert list(compared) == [f"{ours} - {theirs}" for ours, theirs in COMPARED]
    assert "tree_grpo - chain_grpo" not in compared  # they differ in two things
    gain = compared["tree_grpo - chain_grpo_tree_reward"]
    assert gain["seeds"]["0"]["mean15"] == pytest.approx([1, 1, 1])
    assert gain["pooled"]["und"] == pytest.approx([1, 1, 1])


def test_a_partial_run_can_be_looked_at(tmp_path):
    some = found(settings=("base", "mixed"))
    del some.scores["mixed"][1]
    page = Page(write(tmp_path, some).read_text(encoding="utf-8"))
    assert "3 of 26 answers" in page.text
    assert list(json.loads((tmp_path / "ablations.json").read_text())) == ["base", "mixed"]
    assert json.loads((tmp_path / "comparisons.json").read_text())["differences"] == {}


def test_the_page_needs_nothing_but_itself_and_shows_what_came_from_outside_as_text(tmp_path):
    params = changed(PARAMS, f"backbone.name='{EVIL}'")
    page = Page(write(tmp_path, found(params)).read_text(encoding="utf-8"))
    assert EVIL in page.text
    assert not {"script", "img"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert not re.search(r"url\(|@import|https?://", page.source)


def test_the_papers_rows_stand_apart_and_enter_no_figure_of_ours(tmp_path):
    page = Page(write(tmp_path, found()).read_text(encoding="utf-8"))
    assert "The paper's own, 7B: not comparable" in page.text
    for printed in PAPER.values():
        assert all(f"{figure:.1f}" in page.text for figure in printed)
    assert not set(PAPER) - set(SETTINGS)
    for name in ("ablations.json", "comparisons.json"):
        assert "paper" not in (tmp_path / name).read_text()


def test_the_papers_averages_are_those_of_its_columns():
    for average, *columns in PAPER.values():
        assert average == pytest.approx(sum(columns) / 3, abs=0.1)


def test_too_few_people_give_no_interval(tmp_path):
    page = Page(write(tmp_path, found(people=4)).read_text(encoding="utf-8"))
    assert "± ?" in page.text
    assert "range" not in {value for tag, name, value in page.attributes if (tag, name) == ("span", "class")}


def test_the_course_of_rewards_is_drawn_for_each_rl_setting(tmp_path):
    some = found()
    for steps in some.answered.values():
        for setting in RL:
            output = steps[setting].inputs[1].output
            output.mkdir(parents=True)
            rows = [{"step": step, "caption_tree": step / 10, "question_qa": 0.5} for step in range(1, 4)]
            (output / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = Page(write(tmp_path, some).read_text(encoding="utf-8"))
    assert page.tags.count("svg") == 2 * len(RL)
    assert page.tags.count("polyline") == 2 * len(RL) * 2


def test_every_setting_is_explained():
    assert tuple(MEANING) == SETTINGS


def test_a_step_that_fails_says_why_and_where_the_rest_is(tmp_path):
    with pytest.raises(RuntimeError, match="not the complete output of a stage"):
        make(steps_of(PARAMS, 0)["base"], tmp_path / "step.log")
    assert "Traceback" in (tmp_path / "step.log").read_text()


def test_a_step_whose_code_was_changed_after_the_plan_is_not_run(tmp_path):
    step = replace(steps_of(PARAMS, 0)["base"], digest="0123456789abcdef")
    with pytest.raises(RuntimeError, match="the code has changed meanwhile"):
        make(step, tmp_path / "step.log")
    assert not step.output.exists()


def test_a_step_waits_for_what_it_reads_and_a_failure_names_its_step(tmp_path):
    answers = steps_of(changed(params_with(), *TINY), 0)["base"]
    changed_since = replace(answers, digest="0123456789abcdef")
    tasks = [Task(step.stage.name, step, tmp_path / "step.log") for step in (changed_since, *answers.inputs)]
    with pytest.raises(RuntimeError, match=r"answers_base failed: the code has changed[^$]*step\.log"):
        list(make_all(tasks, 2))
    assert answers.inputs[0].done
    assert not changed_since.output.exists()


def test_the_plan_counts_the_steps_and_runs_nothing(capsys, tmp_path):
    assert main(["--params", str(SMOKE), "--seeds", "0", "1", "--plan"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "44 steps: 0 in the store, 44 to run"
    assert lines[1] == "run     seed 0, base: data_build"
    assert not list((tmp_path / "home").glob("store/*/*"))


def test_a_mistake_in_the_settings_is_one_line(capsys):
    assert main(["--params", str(SMOKE), "--set", "rl.steps=0"]) == 2
    assert capsys.readouterr().err.startswith("ablations: ")


def test_the_smoke_settings_are_settings():
    import yaml

    smoke = params_with(yaml.safe_load(SMOKE.read_text()))
    assert smoke.data.people < params_with().data.people
    assert smoke.rl.steps < params_with().rl.steps
