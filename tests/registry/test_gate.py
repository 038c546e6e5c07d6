import json
from dataclasses import asdict

import numpy as np
import pytest
from default_settings import evaluation_settings, promotion_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from videmo.evaluation.evidence import evidence
from videmo.evaluation.report_page.rendering import render
from videmo.evaluation.statistics import MEASURES, Scores, difference, estimate
from videmo.registry.gate import Verdict, judge_challenger
from videmo.tasks.catalog import COLUMNS

EVALUATION = evaluation_settings(resamples=300)


def scores(shift=0.0, columns=None, people=40, noise_seed=1, broken=None):
    """Every column of 40 people; `shift` is added to all columns, `columns` to those named."""
    person = np.random.default_rng(0).normal(50, 15, people)
    noise = np.random.default_rng(noise_seed)
    samples, measures, clusters, values = [], [], [], []
    for p in range(people):
        for measure, (column, _) in enumerate(MEASURES):
            samples.append(f"{p}-{measure}")
            measures.append(measure)
            clusters.append(f"p{p}")
            values.append(person[p] + noise.normal(0, 3) + shift + (columns or {}).get(column, 0.0))
    if broken is not None:
        values[broken] = float("nan")
    return Scores("rules", tuple(samples), np.array(measures), tuple(clusters), np.array(values))


def rows(table, keep):
    """The rows of which `keep` says yes, given the column and the cluster."""
    kept = [
        row
        for row, (measure, cluster) in enumerate(zip(table.measures, table.clusters, strict=True))
        if keep(MEASURES[measure][0], cluster)
    ]
    pick = lambda items: tuple(items[row] for row in kept)  # noqa: E731
    return Scores(table.judge, pick(table.samples), table.measures[kept], pick(table.clusters), table.values[kept])


def without(table, column):
    return rows(table, lambda name, cluster: name != column)


def gate(challenger, opponent, no_champion="", evaluation=EVALUATION, **settings):
    label = "base model" if no_champion else "champion, version 1"
    return judge_challenger(challenger, opponent, label, no_champion, promotion_settings(**settings), evaluation)


def test_a_better_challenger_passes():
    verdict = gate(scores(5.0), scores())
    assert verdict.passed
    assert verdict.gain[1] > 4
    assert "becomes champion" in verdict.reason
    assert len(verdict.task_gains) == len(verdict.challenger_tasks) == 15


def test_a_worse_challenger_is_refused():
    verdict = gate(scores(-5.0), scores())
    assert not verdict.passed
    assert "lower end" in verdict.reason


def test_an_equal_challenger_is_refused():
    assert not gate(scores(), scores()).passed
    assert gate(scores(), scores()).gain == [0, 0, 0]
    assert not gate(scores(noise_seed=2), scores(noise_seed=1)).passed


def test_the_gate_refuses_a_challenger_that_gains_on_average_and_loses_head_pose():
    verdict = gate(scores(5.0, {"head_pose": -25.0}), scores())
    assert verdict.gain[1] > 0
    assert not verdict.passed
    assert verdict.fallen == ["head_pose"]
    assert "head_pose -2" in verdict.reason


def test_a_task_may_fall_within_its_tolerance():
    challenger = scores(5.0, {"head_pose": -25.0})
    assert gate(challenger, scores(), task_tolerance=30.0).passed


def test_a_task_may_have_a_tolerance_of_its_own():
    challenger = scores(5.0, {"head_pose": -25.0})
    assert gate(challenger, scores(), task_tolerances={"head_pose": 30.0}).passed
    refused = gate(challenger, scores(), task_tolerance=30.0, task_tolerances={"head_pose": 5.0})
    assert refused.fallen == ["head_pose"]
    assert "by more than 5 points" in refused.reason
    assert (refused.tolerances["head_pose"], refused.tolerances["emotion"]) == (5, 30)


def test_a_verdict_holds_the_figures_of_both_in_every_column_and_their_differences():
    verdict = gate(scores(5.0), scores())
    assert len(verdict.column_gains) == len(verdict.challenger_columns) == len(verdict.opponent_columns) == len(COLUMNS)
    ours, theirs, gain = (
        figures["identity"][0]
        for figures in (verdict.challenger_columns, verdict.opponent_columns, verdict.column_gains)
    )
    assert gain == pytest.approx(ours - theirs)


def test_the_gain_must_exceed_what_the_settings_ask_for():
    assert not gate(scores(5.0), scores(), min_gain=6.0).passed


def test_without_a_champion_beating_the_base_model_is_enough_and_the_reason_says_why_there_is_none():
    verdict = gate(scores(5.0, {"head_pose": -25.0}), scores(), "there was no champion yet")
    assert verdict.passed
    assert verdict.reason.endswith("against the base model; there was no champion yet.")
    refused = gate(scores(-1.0), scores(), "there was no champion yet")
    assert not refused.passed
    assert refused.reason.endswith("must be above 0; there was no champion yet.")


def test_a_fall_within_the_tolerance_is_not_called_none():
    verdict = gate(scores(5.0, {"head_pose": -7.0}), scores())
    assert verdict.passed
    assert verdict.task_gains["head_pose"][2] < 0
    assert verdict.reason.endswith("; no task is seen to fall by more than its tolerance.")


@pytest.mark.filterwarnings("ignore:Degrees of freedom", "ignore:All-NaN slice")
def test_where_resamples_lose_the_mean_outcome_and_reason_say_the_same():
    one_person = lambda table: rows(table, lambda name, cluster: name != "identity" or cluster == "p0")  # noqa: E731
    challenger, opponent = one_person(scores(5.0)), one_person(scores())
    verdicts = [gate(challenger, opponent, evaluation=evaluation_settings(resamples=1, seed=seed)) for seed in range(8)]
    assert not all(verdict.passed for verdict in verdicts)
    for verdict in verdicts:
        assert verdict.passed == (verdict.gain[1] is not None and verdict.gain[1] > 0)
        assert ("becomes champion" in verdict.reason) == verdict.passed


def test_where_too_few_people_were_tested_the_refusal_asks_for_more():
    verdict = gate(scores(50.0, people=4), scores(people=4))
    assert not verdict.passed
    assert verdict.reason.endswith("must be above 0; an interval needs at least 5 people, and 4 were tested.")
    assert "points [interval unknown] against" in verdict.reason
    assert "people" not in gate(scores(-5.0, people=5), scores(people=5)).reason


def test_a_missing_column_is_refused_by_name():
    for challenger, opponent in (
        (without(scores(5.0), "identity"), scores()),
        (scores(5.0), without(scores(), "identity")),
    ):
        verdict = gate(challenger, opponent)
        assert not verdict.passed
        assert "no score in identity" in verdict.reason


def test_a_score_that_is_not_a_number_is_refused_with_its_sample():
    for challenger, opponent, whose in (
        (scores(50.0, broken=7), scores(), "challenger"),
        (scores(50.0), scores(broken=7), "champion, version 1"),
    ):
        verdict = gate(challenger, opponent)
        assert not verdict.passed
        assert f"the {whose}'s score of sample 0-7 is not a number" in verdict.reason


def test_the_page_says_of_each_task_how_far_it_may_fall_where_there_is_a_champion():
    shown = lambda verdict: render("gate.html.jinja", {"verdict": verdict.as_dict(), "mean15": "mean15"})  # noqa: E731
    opposed = shown(gate(scores(5.0), scores(), task_tolerances={"head_pose": 5.5}))
    assert "may fall by" in opposed
    assert (opposed.count("<td>5.5</td>"), opposed.count("<td>3.0</td>")) == (1, 14)
    assert "fall" not in shown(gate(scores(5.0), scores(), "there was no champion yet"))


def test_a_verdict_survives_its_json():
    verdict = gate(scores(5.0), scores())
    assert Verdict.from_dict(json.loads(json.dumps(verdict.as_dict()))) == verdict


def test_an_unknown_interval_is_null_in_the_verdict_s_json():
    verdict = gate(scores(5.0, people=4), scores(people=4))
    stored = json.loads(json.dumps(verdict.as_dict()))
    assert stored["gain"][1:] == stored["challenger_tasks"]["emotion"][1:] == [None, None]
    assert Verdict.from_dict(stored) == verdict


def test_a_verdict_of_an_earlier_version_wrote_an_unknown_interval_as_all_that_is_possible():
    stored = gate(scores(5.0), scores()).as_dict()
    stored |= {"gain": [5.0, -100.0, 100.0], "challenger_mean15": [50.0, 0.0, 100.0]}
    stored["task_gains"] = {"emotion": [5.0, -100.0, 100.0], "head_pose": [-9.0, -70.0, 100.0]}
    read = Verdict.from_dict(stored)
    assert read.gain == [5.0, None, None]
    assert read.challenger_mean15 == [50.0, None, None]
    assert read.task_gains == {"emotion": [5.0, None, None], "head_pose": [-9.0, -70.0, 100.0]}


@settings(max_examples=25)
@given(st.floats(-10, 10), st.floats(-10, 10))
def test_no_challenger_passes_with_an_interval_that_reaches_down_to_nothing(shift, pose):
    verdict = gate(scores(shift, {"head_pose": pose}, people=12, noise_seed=3), scores(people=12))
    assert verdict.passed == (verdict.gain[1] > 0 and not any(high < -3 for _, _, high in verdict.task_gains.values()))


def test_scores_of_other_samples_are_never_compared():
    with pytest.raises(ValueError, match="same samples"):
        gate(scores(5.0, people=39), scores(people=40))


def test_a_verdict_holds_what_it_was_decided_with():
    challenger, champion = scores(5.0, {"identity": 3.0}), scores()
    verdict = gate(challenger, champion, min_gain=1.0)
    assert (verdict.judge, verdict.resamples, verdict.seed, verdict.min_gain) == ("rules", 300, EVALUATION.seed, 1.0)
    assert (verdict.samples, verdict.clusters) == (40 * len(MEASURES), 40)
    sampling = EVALUATION.resamples, EVALUATION.seed
    ours, theirs = estimate(challenger, *sampling), estimate(champion, *sampling)
    gains = difference(challenger, champion, *sampling)
    for stored, figures in (
        ((verdict.challenger_mean15, verdict.challenger_tasks, verdict.challenger_columns), ours),
        ((verdict.opponent_mean15, verdict.opponent_tasks, verdict.opponent_columns), theirs),
        ((verdict.gain, verdict.task_gains, verdict.column_gains), gains),
    ):
        assert stored == (
            figures.mean15.as_list(),
            {name: figure.as_list() for name, figure in figures.tasks.items()},
            {name: figure.as_list() for name, figure in figures.columns.items()},
        )
    assert {"p": verdict.p, "detectable": verdict.detectable} == asdict(evidence(challenger, champion, *sampling))


def test_of_many_missing_columns_three_are_named_and_the_others_counted():
    missing = ["appearance_recognition", "identity", "head_pose", "open_eye", "fluency"]
    verdict = gate(rows(scores(5.0), lambda name, cluster: name not in missing), scores())
    assert "no score in appearance_recognition, identity, head_pose and 2 more" in verdict.reason
    verdict = gate(rows(scores(5.0), lambda name, cluster: name not in missing[:3]), scores())
    assert verdict.reason.endswith("no score in appearance_recognition, identity, head_pose.")


def test_a_verdict_stored_with_fields_of_another_version_is_read():
    stored = {**gate(scores(5.0), scores()).as_dict(), "mood": "fine"}
    assert Verdict.from_dict(stored) == gate(scores(5.0), scores())


def test_of_several_scores_that_are_not_numbers_the_first_is_named():
    challenger = scores(50.0)
    challenger.values[[7, 9]] = float("nan")
    assert "score of sample 0-7 is not a number" in gate(challenger, scores()).reason


def test_a_limit_below_all_gains_is_met_by_too_few_people_too():
    few = scores(50.0, people=4), scores(people=4)
    assert gate(*few, min_gain=-101.0).passed
    assert not gate(*few, min_gain=-100.0).passed
