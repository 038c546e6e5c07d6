"""Files that appear whole, the places of outputs, and who may write them."""

import os
from pathlib import Path

import psutil

from videmo.stages.files import link_or_copy, sync, write_whole
from videmo.stages.store import home, output_of, partial_of, run_folder, stage_lock


def test_a_text_takes_the_place_of_another_whole_and_leaves_nothing_beside_it(tmp_path):
    write_whole(tmp_path / "a.txt", "first")
    write_whole(tmp_path / "a.txt", "second: é")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "second: é"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_half_a_surrogate_pair_becomes_a_question_mark(tmp_path):
    write_whole(tmp_path / "a.txt", "a\ud800b")
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "a?b"


def test_what_is_synced_is_closed_again(tmp_path):
    before = psutil.Process().num_fds()
    for _ in range(5):
        sync(tmp_path)
    assert psutil.Process().num_fds() == before


def test_a_file_is_copied_where_it_cannot_be_linked(tmp_path, monkeypatch):
    def no_links(*paths: object) -> None:
        raise OSError("not on this file system")

    (tmp_path / "a").write_text("x")
    link_or_copy(tmp_path / "a", tmp_path / "linked")
    monkeypatch.setattr(os, "link", no_links)
    link_or_copy(tmp_path / "a", tmp_path / "copied")
    assert (tmp_path / "linked").stat().st_ino == (tmp_path / "a").stat().st_ino
    assert (tmp_path / "copied").stat().st_ino != (tmp_path / "a").stat().st_ino
    assert (tmp_path / "copied").read_text() == "x"


def test_outputs_lie_below_the_home_by_stage_and_digest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("VIDEMO_HOME", raising=False)
    assert output_of("rl", "abc") == Path(tmp_path).resolve() / "store" / "rl" / "abc"
    monkeypatch.setenv("VIDEMO_HOME", "elsewhere")
    assert home() == Path(tmp_path).resolve() / "elsewhere"
    assert partial_of(output_of("rl", "abc")) == home() / "store" / "rl" / "abc.partial"
    assert run_folder("monday") == home() / "runs" / "monday"


def test_a_process_that_holds_the_lock_of_an_output_may_take_it_again(tmp_path):
    output = tmp_path / "store" / "rl" / "abc"
    with stage_lock(output), stage_lock(output).acquire(timeout=5):
        assert output.parent.is_dir()
        assert not output.exists()
