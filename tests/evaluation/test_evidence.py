import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.evaluation.test_statistics import random_scores, scores
from videmo.evaluation.evidence import SIGNIFICANT, evidence, holm
from videmo.evaluation.statistics import MEAN15, MEASURES, Scores, difference
from videmo.tasks.catalog import TASKS


def moved(scores: Scores, shift: float, noise: float, seed: int) -> Scores:
    """Another model on the same samples, `shift` better but for noise that people share."""
    random = np.random.default_rng(seed)
    people = {person: random.normal(0, noise) for person in sorted(set(scores.clusters))}
    values = scores.values + shift + np.array([people[person] for person in scores.clusters])
    return Scores(scores.judge, scores.samples, scores.measures, scores.clusters, values)


def test_holm_adjusts_as_in_a_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_an_adjusted_p_is_no_smaller_and_keeps_the_order(p):
    adjusted = holm(p)
    assert all(raw <= new <= 1 for raw, new in zip(p, adjusted, strict=True))
    ranked = [new for _, new in sorted(zip(p, adjusted, strict=True))]
    assert ranked == sorted(ranked)


def test_a_gain_of_the_detectable_size_is_found_in_about_four_tests_out_of_five():
    champion = random_scores(people=30)
    size = evidence(moved(champion, 0, 10, seed=999), champion, 500, 0).detectable[MEAN15]
    found = [difference(moved(champion, size, 10, seed), champion, 300, 0).mean15.low > 0 for seed in range(150)]
    assert 0.68 < np.mean(found) < 0.92


def test_of_models_that_do_not_differ_no_task_is_called_different_more_than_one_time_in_twenty():
    champion = random_scores(people=30)
    false = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        noisy = Scores("rules", champion.samples, champion.measures, champion.clusters,
                       champion.values + random.normal(0, 10, len(champion.values)))  # fmt: skip
        false.append(min(evidence(noisy, champion, 1000, 0).p.values()) < 0.05)
    assert np.mean(false) <= 0.12  # 0.05 in the long run; a bootstrap of thirty people is a little too sure of itself


def test_a_clear_difference_is_called_one_in_every_task():
    champion = random_scores(people=30)
    found = evidence(moved(champion, 8, 1, seed=1), champion, 1000, 0)
    assert set(found.p) == set(TASKS)
    assert max(found.p.values()) < SIGNIFICANT


def test_of_very_few_people_nothing_is_said():
    champion = random_scores(people=3)
    found = evidence(moved(champion, 8, 1, seed=1), champion, 200, 0)
    assert found.p == found.detectable == {}


def test_where_too_few_resamples_are_drawn_for_any_task_to_be_called_different_none_has_a_p():
    champion = random_scores(people=30)
    better = moved(champion, 8, 1, seed=1)
    assert evidence(better, champion, 599, 0).p == {}
    assert max(evidence(better, champion, 600, 0).p.values()) < SIGNIFICANT


def test_a_mean_that_resamples_often_lose_detects_nothing():
    rows = [(f"s{n}", column, part, f"p{n}", 50.0) for n, (column, part) in enumerate(MEASURES)]
    found = evidence(scores(rows), scores(rows), 600, 0)
    assert found.p == found.detectable == {}
