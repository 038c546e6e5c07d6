"""Digests of what lies outside the store."""

import os
import re
from pathlib import Path

import pytest
from default_settings import params_with

from videmo.settings.sections import DataBuildSettings
from videmo.stages.content import forget_files, path_digest
from videmo.stages.external_inputs import outside_digests


@pytest.fixture
def videos(tmp_path, monkeypatch) -> Path:
    """A folder with a video in a directory below."""
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "store").mkdir(parents=True)
    (tmp_path / "videos" / "deep").mkdir(parents=True)
    (tmp_path / "videos" / "deep" / "a.mp4").write_bytes(b"1")
    return tmp_path / "videos"


def test_a_directory_digest_is_of_names_and_content_and_not_of_times(videos):
    before = path_digest(videos)
    (videos / "deep" / "a.mp4").touch()
    assert path_digest(videos) == before
    (videos / "deep" / "a.mp4").rename(videos / "deep" / "b.mp4")
    renamed = path_digest(videos)
    (videos / "deep" / "b.mp4").write_bytes(b"22")
    assert len({before, renamed, path_digest(videos)}) == 3


def test_a_video_behind_a_linked_directory_enters(videos, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "b.mp4").write_bytes(b"2")
    before = path_digest(videos)
    (videos / "linked").symlink_to(tmp_path / "elsewhere")
    linked = path_digest(videos)
    (tmp_path / "elsewhere" / "b.mp4").write_bytes(b"33")
    assert len({before, linked, path_digest(videos)}) == 3


def test_two_links_to_one_directory_are_no_circle(videos, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    for name in ("one", "two"):
        (videos / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "a.mp4").write_bytes(b"1")
    before = path_digest(videos)
    (tmp_path / "elsewhere" / "a.mp4").write_bytes(b"22")
    assert path_digest(videos) != before


def test_a_linked_directory_that_holds_itself_is_refused_by_name(videos):
    (videos / "deep" / "round").symlink_to(videos)
    with pytest.raises(ValueError, match=re.escape(f"{videos / 'deep' / 'round'}: links to {videos}, which holds it")):
        path_digest(videos)


def test_a_link_to_a_directory_that_holds_that_directory_is_refused(videos, tmp_path):
    (videos / "round").symlink_to(videos)
    (tmp_path / "link").symlink_to(videos)
    with pytest.raises(ValueError, match=re.escape(f"{tmp_path / 'link' / 'round'}: links to {videos}")):
        path_digest(tmp_path / "link")


def test_what_was_read_is_remembered_for_the_next_process(videos, tmp_path):
    path_digest(videos)
    (remembered,) = (tmp_path / "home" / "store").glob(".*.json")
    assert str(videos / "deep" / "a.mp4") in remembered.read_text()


def test_a_file_replaced_at_the_same_size_and_time_is_found_once_files_are_forgotten(videos):
    video = videos / "deep" / "a.mp4"
    times = video.stat().st_atime_ns, video.stat().st_mtime_ns
    before = path_digest(videos)
    video.write_bytes(b"2")
    os.utime(video, ns=times)
    assert path_digest(videos) == before  # what is remembered of a file holds as long as its stamp
    forget_files()
    assert path_digest(videos) != before


def test_labels_outside_the_folder_of_videos_enter_by_content(videos, tmp_path):
    (tmp_path / "labels.csv").write_text("file\n")
    (videos / "labels.csv").write_text("file\n")
    inside, outside = (
        DataBuildSettings.of(
            params_with({"data": {"source": "folder", "path": str(videos), "labels": labels}}), "data_build"
        )
        for labels in ("labels.csv", "../labels.csv")
    )
    assert set(outside_digests(inside)) == {"data.path"}
    before = outside_digests(outside)
    assert set(before) == {"data.path", "data.labels"}
    (tmp_path / "labels.csv").write_text("file,age\n")
    after = outside_digests(outside)
    assert (after["data.path"] == before["data.path"], after["data.labels"] == before["data.labels"]) == (True, False)
