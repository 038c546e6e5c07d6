from threading import Barrier, Thread

import pytest

from videmo.stages.files import UNFINISHED, remove_unfinished, whole_file, write_json, write_whole


def test_a_file_has_its_old_content_until_the_new_one_is_complete(tmp_path):
    path = tmp_path / "figures.json"
    write_whole(path, "old")
    with whole_file(path) as partial:
        partial.write_text("half of the n")
        assert path.read_text() == "old"
        partial.write_text("new")
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "figures.json"
    write_whole(path, b"old")

    def fail():
        with whole_file(path) as partial:
            partial.write_text("half")
            raise OSError("no space left on device")

    with pytest.raises(OSError, match="no space"):
        fail()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_of_two_that_write_the_same_file_at_once_one_is_there_whole(tmp_path):
    path, both = tmp_path / "reply.json", Barrier(2)

    def write(letter):
        with whole_file(path) as partial:
            partial.write_text(letter * 10)
            both.wait(10)
            assert partial.read_text() == letter * 10

    threads = [Thread(target=write, args=(letter,)) for letter in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert path.read_text() in ("a" * 10, "b" * 10)
    assert list(tmp_path.iterdir()) == [path]


def test_what_has_no_utf_8_is_written_as_a_question_mark(tmp_path):
    write_json(tmp_path / "answer.json", "a\ud800b\u00fc")
    assert (tmp_path / "answer.json").read_text(encoding="utf-8") == '"a?b\u00fc"'


def test_what_a_killed_process_was_writing_is_removed_and_directories_stay(tmp_path):
    (tmp_path / "shards").mkdir()
    (tmp_path / "shards" / f"0.tar.1-2{UNFINISHED}").write_text("half")
    (tmp_path / f"step-3{UNFINISHED}").mkdir()
    (tmp_path / "0.tar").write_text("whole")
    remove_unfinished(tmp_path)
    assert {path.name for path in tmp_path.rglob("*")} == {"shards", f"step-3{UNFINISHED}", "0.tar"}
