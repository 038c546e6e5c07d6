"""What is costly to find again is kept beside the store, and losing it costs nothing else."""

from videmo.stages import remembered
from videmo.stages.remembered import Remembered


def test_what_was_saved_is_there_for_the_next_process_beside_what_others_saved(tmp_path):
    ours, theirs = Remembered(tmp_path / "x.json"), Remembered(tmp_path / "x.json")
    ours.add("a", "1")
    theirs.add("b", "2")
    assert (ours.get("a"), ours.get("b")) == ("1", None)
    ours.save()
    theirs.save()
    later = Remembered(tmp_path / "x.json")
    assert (later.get("a"), later.get("b")) == ("1", "2")
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_of_too_many_entries_the_newest_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(remembered, "MOST", 2)
    for key in "abc":
        known = Remembered(tmp_path / "x.json")
        known.add(key, key)
        known.save()
    later = Remembered(tmp_path / "x.json")
    assert [later.get(key) for key in "abc"] == [None, "b", "c"]


def test_nothing_new_writes_nothing_and_a_directory_that_is_not_there_loses_nothing_else(tmp_path):
    Remembered(tmp_path / "x.json").save()
    assert not list(tmp_path.iterdir())
    nowhere = Remembered(tmp_path / "no" / "x.json")
    nowhere.add("a", "1")
    nowhere.save()
    assert nowhere.get("a") == "1"


def test_a_damaged_file_is_one_that_holds_nothing(tmp_path):
    for text in ("{", "[1]", ""):
        (tmp_path / "x.json").write_text(text)
        assert Remembered(tmp_path / "x.json").get("a") is None


def test_what_is_forgotten_is_gone_for_others_too(tmp_path):
    known = Remembered(tmp_path / "x.json")
    known.add("a", "1")
    known.save()
    known.forget()
    assert known.get("a") is None
    assert Remembered(tmp_path / "x.json").get("a") is None
