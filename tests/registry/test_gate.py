import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videmo.config import Evaluation, Promotion
from videmo.evaluation.statistics import MEASURES, Scores
from videmo.registry.gate import Verdict, judge_challenger

EVALUATION = Evaluation(resamples=300)


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


def without(table, column):
    keep = [MEASURES[m][0] != column for m in table.measures]
    pick = lambda items: tuple(item for item, kept in zip(items, keep, strict=True) if kept)  # noqa: E731
    return Scores(table.judge, pick(table.samples), table.measures[keep], pick(table.clusters), table.values[keep])


def gate(challenger, opponent, first=False, **settings):
    return judge_challenger(challenger, opponent, "champion, version 1", first, Promotion(**settings), EVALUATION)


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
    assert len(verdict.column_gains) == len(verdict.challenger_columns) == len(verdict.opponent_columns) == 33
    ours, theirs, gain = (
        figures["identity"][0]
        for figures in (verdict.challenger_columns, verdict.opponent_columns, verdict.column_gains)
    )
    assert gain == pytest.approx(ours - theirs)


def test_the_gain_must_exceed_what_the_settings_ask_for():
    assert not gate(scores(5.0), scores(), min_gain=6.0).passed


def test_without_a_champion_beating_the_base_model_is_enough():
    assert gate(scores(5.0, {"head_pose": -25.0}), scores(), first=True).passed
    assert not gate(scores(-1.0), scores(), first=True).passed


def test_a_missing_column_is_refused_by_name():
    for challenger, opponent in (
        (without(scores(5.0), "identity"), scores()),
        (scores(5.0), without(scores(), "identity")),
    ):
        verdict = gate(challenger, opponent)
        assert not verdict.passed
        assert "no score in identity" in verdict.reason


def test_a_score_that_is_not_a_number_is_refused_with_its_sample():
    verdict = gate(scores(50.0, broken=7), scores())
    assert not verdict.passed
    assert "sample 0-7" in verdict.reason


def test_a_verdict_survives_its_json():
    verdict = gate(scores(5.0), scores())
    assert Verdict.from_dict(verdict.as_dict()) == verdict


@settings(max_examples=25, deadline=None)
@given(st.floats(-10, 10), st.floats(-10, 10))
def test_no_challenger_passes_with_an_interval_that_reaches_down_to_nothing(shift, pose):
    verdict = gate(scores(shift, {"head_pose": pose}, people=12, noise_seed=3), scores(people=12))
    assert verdict.passed == (verdict.gain[1] > 0 and not any(high < -3 for _, _, high in verdict.task_gains.values()))


def test_scores_of_other_samples_are_never_compared():
    with pytest.raises(ValueError, match="same samples"):
        gate(scores(5.0, people=39), scores(people=40))
