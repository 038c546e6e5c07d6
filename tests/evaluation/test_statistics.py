import time

import numpy as np
import pytest

from videmo.evaluation.statistics import (
    MEAN15,
    MEASURES,
    TABLES,
    Scores,
    difference,
    difference_over,
    estimate,
    estimate_over,
    resampled_differences,
)
from videmo.tasks.catalog import COLUMNS, TASKS


def scores(rows, judge="rules"):
    """rows: (sample, column, part, cluster, value)."""
    samples, columns, parts, clusters, values = zip(*rows, strict=True)
    measures = np.array([MEASURES.index(pair) for pair in zip(columns, parts, strict=True)])
    return Scores(judge, samples, measures, clusters, np.array(values, dtype=float))


def random_scores(people=40, shift=0.0, seed=0, spread=30.0):
    random = np.random.default_rng(seed)
    rows = []
    for person in range(people):
        level = random.normal(50, spread)
        rows += [
            (f"{person}-{m}", column, part, f"p{person}", np.clip(level + random.normal(0, 5) + shift, 0, 100))
            for m, (column, part) in enumerate(MEASURES)
        ]
    return scores(rows)


def test_every_mean_is_of_what_it_is_made_of_and_weighs_it_the_same():
    table = random_scores()
    found = estimate(table, resamples=50, seed=0)

    def of(level, names):
        return np.mean([level[name].value for name in names])

    for name, column in COLUMNS.items():
        parts = [table.values[table.measures == MEASURES.index((name, part))].mean() for part in column.parts]
        assert found.columns[name].value == pytest.approx(np.mean(parts))
    for name, task in TASKS.items():
        assert found.tasks[name].value == pytest.approx(of(found.columns, task.columns))
    for name in TABLES:
        assert found.tables[name].value == pytest.approx(
            of(found.columns, [c.name for c in COLUMNS.values() if c.table == name])
        )
    assert found.mean15.value == pytest.approx(of(found.tasks, TASKS))
    assert set(found.columns) == set(COLUMNS)
    assert set(found.tasks) == set(TASKS)


def test_the_parts_of_a_merged_column_weigh_the_same_whatever_their_sizes():
    sizes = {"body_actions": (107, 100), "facial_actions": (189, 0), "head_actions": (4, 50)}
    rows = [
        (f"{part}-{n}", "open_action", part, f"p{n}", value)
        for part, (count, value) in sizes.items()
        for n in range(count)
    ]
    assert estimate(scores(rows), 10, 0).columns["open_action"].value == pytest.approx(50)


def test_columns_without_samples_are_left_out_of_every_mean():
    found = estimate(scores([(f"s{n}", "head_pose", "head_pose", f"p{n}", 100.0 * (n % 2)) for n in range(10)]), 10, 0)
    assert list(found.columns) == list(found.tasks) == ["head_pose"]
    assert list(found.tables) == ["attribute"]
    assert found.mean15.value == 50


def test_a_mean_that_resamples_often_lose_has_no_known_interval():
    tasks = [(task.columns[0], COLUMNS[task.columns[0]].parts[0]) for task in list(TASKS.values())[:6]]
    one_each = scores([(f"s{n}", column, part, f"p{n}", 10.0 * n) for n, (column, part) in enumerate(tasks)])
    assert estimate(one_each, 500, 0).mean15.as_list() == [25, None, None]
    assert difference(one_each, one_each, 500, 0).mean15.as_list() == [0, None, None]


@pytest.mark.parametrize(("people", "bounded"), [(2, False), (4, True)], ids=["13 in 100", "2 in 100"])
def test_a_mean_is_bounded_where_fewer_than_one_resample_in_twenty_loses_a_task(people, bounded):
    rows = [(f"{p}", "head_pose", "head_pose", f"p{p}", 50.0 + p % 7) for p in range(60)]
    rows += [(f"{p}i", "identity", "identity", f"p{p}", 50.0) for p in range(people)]
    mean = estimate(scores(rows), 2000, 0).mean15
    assert mean.known == bounded


def test_answers_about_one_person_widen_the_interval_as_a_whole():
    rows = [(f"{p}-{i}", "identity", "identity", f"p{p}", 100.0 * (p % 2)) for p in range(20) for i in range(20)]
    clustered = estimate(scores(rows), 2000, 0).mean15
    alone = estimate(scores([(s, c, part, s, v) for s, c, part, _, v in rows]), 2000, 0).mean15
    assert clustered.high - clustered.low > 3 * (alone.high - alone.low)
    # 20 independent people at 50 %: the standard error is 50 / sqrt(20) = 11.2 points.
    assert clustered.high - clustered.low == pytest.approx(2 * 1.96 * 50 / np.sqrt(20), rel=0.15)


def test_pairing_sees_a_small_gain_that_two_separate_intervals_cannot():
    champion, challenger = random_scores(seed=1), random_scores(seed=1, shift=2.0)
    gain = difference(challenger, champion, 500, 0).mean15
    assert 0 < gain.low < gain.value < gain.high < 4
    first, second = estimate(champion, 500, 0).mean15, estimate(challenger, 500, 0).mean15
    assert first.high > second.low


def test_the_interval_covers_the_truth_about_nineteen_times_in_twenty():
    covered = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        rows = [(str(i), "identity", "identity", str(i), v) for i, v in enumerate(random.normal(50, 10, 60))]
        interval = estimate(scores(rows), 300, seed).mean15
        covered += interval.low <= 50 <= interval.high
    assert 0.88 <= covered / 200 <= 0.99


def test_an_interval_leaves_out_one_resample_in_forty_on_each_side():
    challenger, champion = random_scores(seed=1), random_scores(seed=2)
    resampled = resampled_differences(challenger, champion, 1000, 0)[MEAN15][1:, 0]
    gain = difference(challenger, champion, 1000, 0).mean15
    assert (resampled < gain.low).mean() == pytest.approx(1 / 40, abs=0.001)
    assert (resampled > gain.high).mean() == pytest.approx(1 / 40, abs=0.001)


def test_what_is_not_measured_is_absent_and_does_not_count():
    rows = [("a", "identity", "identity", "p", 100.0), ("b", "head_pose", "head_pose", "q", 0.0)]
    found = estimate(scores(rows), 20, 0)
    assert set(found.tasks) == {"face_identity", "head_pose"}
    assert found.mean15.value == 50
    assert set(found.tables) == {"attribute"}


def test_the_same_seed_gives_the_same_interval():
    table = random_scores()
    assert estimate(table, 100, 7) == estimate(table, 100, 7) != estimate(table, 100, 8)


def test_models_that_answered_other_samples_or_had_another_judge_are_not_compared():
    table = random_scores(people=5)
    with pytest.raises(ValueError, match="same samples"):
        difference(table, random_scores(people=6), 10, 0)
    with pytest.raises(ValueError, match="different judges"):
        difference(table, Scores("endpoint", table.samples, table.measures, table.clusters, table.values), 10, 0)


def test_the_same_samples_of_other_people_are_not_compared():
    table = random_scores(people=5)
    renamed = tuple(f"another {cluster}" for cluster in table.clusters)
    with pytest.raises(ValueError, match="same samples"):
        difference(table, Scores("rules", table.samples, table.measures, renamed, table.values), 10, 0)


def test_a_score_that_is_not_a_number_is_refused_with_its_sample():
    with pytest.raises(ValueError, match="sample b is not a number"):
        estimate(scores([("a", "identity", "identity", "p", 1.0), ("b", "identity", "identity", "p", np.nan)]), 10, 0)


def test_six_models_of_five_thousand_samples_take_seconds():
    table = random_scores(people=120)
    start = time.process_time()
    for _ in range(6):
        estimate(table, 1000, 0)
    assert time.process_time() - start < 5


def test_of_very_few_people_nothing_is_claimed():
    rows = [(f"{p}-{i}", "identity", "identity", f"p{p}", 100.0) for p in range(4) for i in range(50)]
    rows += [(f"{p}", "head_pose", "head_pose", f"p{p}", 100.0) for p in range(8)]
    column, part = next(pair for pair in MEASURES if pair[0] != pair[1])
    rows += [(f"{p}-{part}", column, part, f"p{p}", 100.0) for p in range(4)]
    found = estimate(scores(rows), 100, 0)
    assert found.columns[column].as_list() == [100, None, None]
    assert found.tasks["face_identity"].as_list() == [100, None, None]
    assert found.tasks["head_pose"].as_list() == [100, 100, 100]
    gain = difference(scores(rows), scores([(*row[:4], 0.0) for row in rows]), 100, 0)
    assert gain.columns["identity"].as_list() == [100, None, None]


def test_of_very_few_people_in_all_not_even_the_mean_is_bounded():
    rows = [(f"{p}", "head_pose", "head_pose", f"p{p}", 100.0 * (p < 4)) for p in range(5)]
    assert estimate(scores(rows), 200, 0).mean15.known
    few = estimate(scores(rows[:4]), 200, 0)
    assert few.mean15.as_list() == few.tables["attribute"].as_list() == [100, None, None]
    other = scores([(*row[:4], 0.0) for row in rows[:4]])
    assert difference(scores(rows[:4]), other, 200, 0).mean15.as_list() == [100, None, None]


@pytest.mark.parametrize("people", [40, 4], ids=["many", "too few"])
def test_one_run_alone_is_estimated_as_it_is(people):
    table, other = random_scores(people, seed=1), random_scores(people, seed=2)
    assert estimate_over([table], 100, 0) == estimate(table, 100, 0)
    assert difference_over([table], [other], 100, 0) == difference(table, other, 100, 0)


def test_runs_that_disagree_widen_the_interval_of_their_mean_and_runs_that_agree_do_not():
    runs = [random_scores(seed=1, spread=10, shift=shift) for shift in (-6.0, 0.0, 6.0)]
    alone, same, apart = (estimate_over(chosen, 500, 0).mean15 for chosen in (runs[1:2], [runs[1]] * 3, runs))
    assert (same.low, same.high) == pytest.approx((alone.low, alone.high))
    assert apart.value == pytest.approx(alone.value, abs=0.1)
    assert apart.high - apart.low > 1.5 * (alone.high - alone.low)


def test_a_gain_in_every_run_is_seen_however_far_the_runs_lie_apart():
    before = [random_scores(seed=1, spread=10, shift=shift) for shift in (-6.0, 0.0, 6.0)]
    after = [random_scores(seed=1, spread=10, shift=shift + 2) for shift in (-6.0, 0.0, 6.0)]
    gain = difference_over(after, before, 500, 0).mean15
    assert 0 < gain.low <= gain.value <= gain.high
    assert gain.value == pytest.approx(2, abs=0.1)


def test_runs_on_other_samples_are_not_averaged():
    with pytest.raises(ValueError, match="did not answer the same samples"):
        estimate_over([random_scores(people=5), random_scores(people=6)], 10, 0)
