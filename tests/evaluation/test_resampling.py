"""Intervals held against a plain loop over the resamples, and what several runs are compared on."""

import numpy as np
import pytest

from videmo.evaluation.statistics import (
    MEASURES,
    Scores,
    difference,
    difference_over,
    estimate,
    resampled_differences,
    resampling_weights,
)

IDENTITY, POSE = (
    next(i for i, (column, _) in enumerate(MEASURES) if column == name) for name in ("identity", "head_pose")
)
COLUMNS = {"identity": IDENTITY, "head_pose": POSE}


def answers(seed, people=9, samples="s"):
    """Two columns, of which some people answer one only; people have different numbers of samples."""
    random = np.random.default_rng(seed)
    rows = [(f"{samples}{p}-{i}", measure, f"p{p}", random.uniform(0, 100))
            for p in range(people) for measure in COLUMNS.values() for i in range(1 + (p + measure) % 3)]  # fmt: skip
    names, measures, clusters, values = zip(*rows, strict=True)
    return Scores("rules", names, np.array(measures), clusters, np.array(values))


def drawn_again(table, resamples, seed):
    """Both columns' means in each resample, person by person."""
    means = []
    for counts in resampling_weights(len(set(table.clusters)), resamples, seed):
        times = dict(zip(sorted(set(table.clusters)), counts.astype(int), strict=True))
        weights = np.array([times[cluster] for cluster in table.clusters])
        means.append([np.average(table.values[table.measures == m], weights=weights[table.measures == m])
                      for m in COLUMNS.values()])  # fmt: skip
    return np.array(means)


def test_figures_and_intervals_are_those_of_a_plain_loop_over_the_resamples():
    table = answers(0)
    means = drawn_again(table, 200, seed=3)
    found = estimate(table, 200, seed=3)
    for column, of in zip(COLUMNS, means.T, strict=True):
        assert found.columns[column].as_list() == pytest.approx([of[0], *np.percentile(of[1:], (2.5, 97.5))])
    mean = means.mean(axis=1)
    assert found.mean15.as_list() == pytest.approx([mean[0], *np.percentile(mean[1:], (2.5, 97.5))])


def test_a_table_is_the_mean_of_the_columns_that_are_measured():
    table = answers(0)
    found = estimate(table, 10, seed=3)
    assert found.tables["attribute"].value == pytest.approx(drawn_again(table, 1, seed=3)[0].mean())


def test_resampled_differences_are_paired_resample_by_resample():
    ours, theirs = answers(0), answers(1)
    expected = drawn_again(ours, 50, seed=3) - drawn_again(theirs, 50, seed=3)
    assert resampled_differences(ours, theirs, 50, seed=3)["mean15"][:, 0] == pytest.approx(expected.mean(axis=1))


def test_every_resample_draws_as_many_people_as_there_are_and_each_as_likely():
    weights = resampling_weights(4, 2000, seed=0)
    assert weights.shape == (2001, 4)
    assert (weights[0] == 1).all()
    assert (weights.sum(axis=1) == 4).all()
    assert weights[1:].mean(axis=0) == pytest.approx(np.ones(4), abs=0.1)
    assert not np.array_equal(weights, resampling_weights(4, 2000, seed=1))


def test_runs_of_one_method_have_to_share_their_samples_and_runs_are_paired_one_to_one():
    with pytest.raises(ValueError, match="did not answer the same samples"):
        difference_over([answers(0), answers(1, samples="t")], [answers(2), answers(3, samples="t")], 10, 0)
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        difference_over([answers(0), answers(1)], [answers(2)], 10, 0)


def test_the_mean_difference_over_runs_is_that_of_the_pairs():
    ours, theirs = [answers(0), answers(1), answers(2)], [answers(3), answers(4), answers(5)]
    pairs = [difference(a, b, 10, 0).mean15.value for a, b in zip(ours, theirs, strict=True)]
    assert difference_over(ours, theirs, 10, 0).mean15.value == pytest.approx(np.mean(pairs))
