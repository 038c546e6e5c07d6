from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from videmo.registry.history import Change, Entry, History


def entry(number, version, after, kind="gate", before=""):
    when, change = datetime(2026, 1, number, tzinfo=UTC), Change(str(version), kind, after, "")
    return Entry(number, str(number), when, "me", change, str(before))


def history(*entries, removed=(), alias=""):
    return History("videmo", entries, removed, alias)


def test_of_two_promotions_decided_at_the_same_moment_the_first_in_the_log_counts():
    found = history(entry(1, 1, after=0), entry(2, 2, after=1), entry(3, 3, after=1), entry(4, 4, after=2))
    assert [one.number for one in found.counting] == [1, 2, 4]
    assert (found.last, found.champion) == (4, "4")


def test_one_that_was_decided_after_an_entry_without_effect_has_none_either():
    assert history(entry(1, 1, 0), entry(2, 2, 1), entry(3, 3, 1), entry(4, 4, 3)).last == 2


def test_a_removed_entry_is_told_and_does_not_stop_what_came_after_it():
    found = history(entry(1, 1, 0), entry(3, 3, 2), entry(4, 4, 3), removed=(2,), alias="4")
    assert found.last == 4
    assert found.problems() == ["removed from the registry, or damaged: entry 2"]


def test_a_removed_entry_does_not_bring_one_to_life_that_it_had_beaten():
    steps = [entry(1, 1, 0), entry(2, 2, 1), entry(3, 3, 1), entry(4, 4, 2)]
    assert history(*steps).champion == "4"
    found = history(steps[0], *steps[2:], removed=(2,))
    assert [one.number for one in found.counting] == [1, 4]
    assert found.champion == "4"


def test_a_champion_from_before_there_was_a_history_is_the_champion():
    assert history(alias="7").champion == "7"
    assert history(entry(1, 8, 0, before=7)).line == ("7", "8")
    assert history().champion == ""


def test_rollbacks_go_back_step_by_step_and_not_to_and_fro():
    steps = [entry(1, 1, 0), entry(2, 2, 1, before=1), entry(3, 3, 2, before=2)]
    assert history(*steps).line == ("1", "2", "3")
    steps.append(entry(4, 2, 3, "rollback", before=3))
    assert history(*steps).line == ("1", "2")
    steps.append(entry(5, 1, 4, "rollback", before=2))
    assert history(*steps).line == ("1",)
    steps.append(entry(6, 3, 5, "rollback", before=1))  # a named one, which is none of the line any more
    assert history(*steps).line == ("1", "3")


def test_a_named_rollback_takes_out_of_charge_all_that_it_passes():
    steps = [entry(1, 1, 0), entry(2, 2, 1, before=1), entry(3, 3, 2, before=2)]
    at_once = history(*steps, entry(4, 1, 3, "rollback", before=3))
    assert [at_once.taken_back(version).number for version in "23"] == [4, 4]
    by_steps = history(*steps, entry(4, 2, 3, "rollback", before=3), entry(5, 1, 4, "rollback", before=2))
    assert [by_steps.taken_back(version).number for version in "23"] == [5, 4]
    assert at_once.line == by_steps.line == ("1",)
    assert at_once.taken_back("1") is None


def test_who_was_in_charge_after_an_entry_is_known_of_those_that_count():
    found = history(entry(1, 1, 0, before=7), entry(2, 2, 1), entry(3, 3, 1), entry(4, 1, 2, "rollback"))
    assert [found.champion_after(number) for number in range(5)] == ["7", "1", "2", None, "1"]
    assert history(alias="7").champion_after(0) == "7"


def test_a_version_that_was_rolled_back_is_remembered_until_it_comes_back():
    steps = [entry(1, 1, 0), entry(2, 2, 1, before=1), entry(3, 1, 2, "rollback", before=2)]
    assert history(*steps).taken_back("2").number == 3
    assert history(*steps).taken_back("1") is None
    steps.append(entry(4, 2, 3, "forced", before=1))
    assert history(*steps).taken_back("2") is None


@given(st.lists(st.tuples(st.integers(1, 5), st.integers(0, 8)), max_size=8))
def test_what_counts_is_a_chain_and_does_not_change_by_what_is_written_later(written):
    entries = [entry(number, version, after) for number, (version, after) in enumerate(written, start=1)]
    counting = history(*entries).counting
    assert [one.change.after for one in counting] == [0, *(one.number for one in counting)][: len(counting)]
    for cut in range(len(entries)):
        earlier = history(*entries[:cut]).counting
        assert counting[: len(earlier)] == earlier


@given(st.data())
def test_what_counts_stays_so_whatever_is_removed_before_it(data):
    log = []
    for number in range(1, data.draw(st.integers(1, 8)) + 1):
        counting = [0, *(one.number for one in history(*log).counting)]
        log.append(entry(number, number, after=data.draw(st.sampled_from(counting))))  # the last, or too late
    whole = [one.number for one in history(*log).counting]
    gone = data.draw(st.sets(st.sampled_from([0, *(one.number for one in log if one.number != whole[-1])])))
    left = [one for one in log if one.number not in gone]
    found = [one.number for one in history(*left, removed=tuple(gone - {0})).counting]
    stays = [number for number in whole if number not in gone]
    assert found[-1] == whole[-1]
    assert set(found) >= set(stays)
    if len(gone - {0}) <= 1:
        assert found == stays
