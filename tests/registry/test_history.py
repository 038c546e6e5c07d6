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
