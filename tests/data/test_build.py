"""data_build: real files in, a complete data set out, or one clear message and nothing that looks complete."""

import json
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from default_settings import faces_data, params_with
from made_videos import face, plain, write_video

from videmo.data.build import check_ids, decode_recording, run
from videmo.data.clip import Recording, Rejected
from videmo.data.shards import open_dataset
from videmo.settings.sections import DataBuildSettings


def add(source: Path, name: str, row: str = ",happy,happy,black") -> Path:
    with (source / "labels.csv").open("a") as labels:
        labels.write(f"{name},{row}\n")
    return source / name


def quarantine(dataset) -> dict[str, str]:
    return {refused["file"]: refused["reason"] for refused in dataset.quarantined}


def test_a_folder_becomes_clips_samples_and_frames(built):
    dataset = built()
    assert list(dataset.clips) == ["0_mp4", "1_mp4", "2_mp4", "3_mp4"]
    assert dataset.quarantined == []
    clip = dataset.clips["0_mp4"]
    assert (clip.video, clip.source, clip.person) == ("0.mp4", "folder", "p1")
    assert (clip.duration, clip.fps) == pytest.approx((1.0, 10.0), rel=0.05)
    assert clip.face_box is not None
    assert dataset.frames("0_mp4").shape == (4, 56, 56, 3)
    assert abs(int(dataset.frames("3_mp4")[0, 2, 2].mean()) - 90) < 6  # the background of the fourth
    assert {sample.part for sample in dataset.samples} >= {"emotion_dfew", "emotion_multi", "hair"}
    people = {clip.person: clip.split for clip in dataset.clips.values()}
    assert dataset.clips["0_mp4"].split == dataset.clips["1_mp4"].split
    assert set(people.values()) == {"train", "test"}


def test_videos_whose_paths_look_alike_keep_their_own_labels(source, built):
    for name, row in (("actor_01/02.mp4", ",happy,happy,black"), ("actor/01_02.mp4", ",sad,sad,brown")):
        (source / name).parent.mkdir()
        write_video(add(source, name, row), [face(background=len(row))] * 10)
    clips = {clip.video: clip for clip in built().clips.values()}
    assert clips["actor_01/02.mp4"].labels["emotion_dfew"] == ("happy",)
    assert clips["actor/01_02.mp4"].labels["emotion_dfew"] == ("sad",)


def test_a_source_that_gives_two_videos_one_id_is_refused():
    with pytest.raises(ValueError, match=r"x\.mp4 and y\.mp4 have the same id a; rename one of them"):
        check_ids([Recording("a", Path("x.mp4"), None), Recording("a", Path("y.mp4"), None)])


def test_each_kind_of_bad_input_is_quarantined_with_its_reason(source, built):
    add(source, "broken.mp4").write_text("no video")
    add(source, "empty.mp4").touch()
    write_video(add(source, "wall.mp4"), [plain(90, 120, 120)] * 10)
    cut = write_video(add(source, "cut.mkv"), np.random.default_rng(0).integers(0, 255, (30, 64, 64, 3), np.uint8))
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    shutil.copy(source / "0.mp4", add(source, "copy.mp4"))
    add(source, "gone.mp4")
    write_video(add(source, "odd.mp4", ",blissful,happy,black"), [face()] * 3)
    shutil.copy(source / "1.mp4", source / "unlisted.mp4")
    dataset = built(max_rejected=0.9)
    found = quarantine(dataset)
    expected = {
        "broken.mp4": "not a readable video", "empty.mp4": "empty file", "wall.mp4": "no face found in 4 frames",
        "cut.mkv": "truncated", "copy.mp4": "duplicate: same content as 0_mp4", "gone.mp4": "no such file",
        "odd.mp4": "unknown label expression = 'blissful'", "unlisted.mp4": "not in labels.csv",
    }  # fmt: skip
    assert found.keys() == expected.keys()
    assert all(reason in found[name] for name, reason in expected.items())
    assert len(dataset.clips) == 4


def test_past_the_limit_the_stage_fails_with_count_share_limit_and_first_reasons(source, built, tmp_path):
    add(source, "empty.mp4").touch()
    with pytest.raises(
        ValueError, match=r"data\.max_rejected = 0\.1: 1 of 5 videos \(20\.0%\).*empty\.mp4: empty file"
    ):
        built(max_rejected=0.1)
    assert not (tmp_path / "data_build").exists()
    left = json.loads((tmp_path / "data_build.partial" / "quarantine.json").read_text())
    assert left == [{"file": "empty.mp4", "reason": "empty file (0 bytes)"}]


def test_a_source_without_a_single_clip_fails_whatever_the_limit(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "labels.csv").write_text("file\n")
    params = params_with({"data": {"source": "folder", "path": tmp_path / "in", "max_rejected": 1.0}})
    with pytest.raises(ValueError, match="holds no videos"):
        run(DataBuildSettings.of(params, "data_build"), {}, tmp_path / "out")


def test_the_same_data_set_comes_from_one_process_and_from_two(built, tmp_path):
    one = built(tmp_path / "one", workers=1)
    two = built(tmp_path / "two", workers=2)
    for name in ("clips.parquet", "samples.parquet", "index.parquet", "shards/00000.tar", "quarantine.json"):
        assert (one.directory / name).read_bytes() == (two.directory / name).read_bytes(), name


def test_clips_are_spread_over_shards(built):
    dataset = built(shard_clips=3)
    assert [entry.shard for entry in dataset.index.values()] == ["00000.tar"] * 3 + ["00001.tar"]
    assert dataset.frames("3_mp4").shape == (4, 56, 56, 3)


def test_a_duplicate_is_found_across_shards(source, built):
    shutil.copy(source / "0.mp4", add(source, "copy.mp4"))
    assert quarantine(built(shard_clips=2))["copy.mp4"] == "duplicate: same content as 0_mp4"


def test_a_face_box_of_the_source_is_believed(tmp_path):
    video = write_video(tmp_path / "wall.mp4", [plain(90)] * 10)
    recording = Recording("a", video, None)
    config = faces_data(frames=4, frame_size=56)
    assert isinstance(decode_recording(recording, config, tmp_path), Rejected)
    boxed = decode_recording(replace(recording, face_box=(0.1, 0.1, 0.9, 0.9)), config, tmp_path)
    assert boxed.clip.face_box == (0.1, 0.1, 0.9, 0.9)


BUILD = """
import sys
from pathlib import Path
from videmo.data.build import run
from videmo.settings.params import load_params
from videmo.settings.sections import DataBuildSettings
if __name__ == "__main__":
    changes = ["data.source=folder", f"data.path={sys.argv[1]}", "data.frames=4", "data.frame_size=56"]
    params = load_params(overrides=[*changes, "data.shard_clips=1", "execution.workers=1"])
    run(DataBuildSettings.of(params, "data_build"), {}, Path(sys.argv[2]))
"""


def test_a_build_killed_in_the_middle_leaves_nothing_complete_and_resumes_behind_its_last_shard(
    source, face_video, tmp_path
):
    for number in range(4, 12):
        add(source, f"{number}.mp4", "p4,happy,happy,black")
        face_video(f"in/{number}.mp4", shade=60 + 10 * number, seconds=8)
    (tmp_path / "build.py").write_text(BUILD)
    output, partial = tmp_path / "out", tmp_path / "out.partial"
    process = subprocess.Popen([sys.executable, tmp_path / "build.py", source, output])
    while len(list(partial.glob("parts/*.json"))) < 5:
        assert process.poll() is None, "ended before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not output.exists()
    kept = {path: path.stat().st_mtime_ns for path in sorted(partial.glob("shards/0000[0-4].tar"))}
    assert len(kept) == 5
    subprocess.run([sys.executable, tmp_path / "build.py", source, output], check=True)
    assert {output / path.relative_to(partial): when for path, when in kept.items()} == {
        path: path.stat().st_mtime_ns for path in sorted(output.glob("shards/0000[0-4].tar"))
    }
    assert not (output / "parts").exists()
    assert len(open_dataset(output).clips) == 12


FULL_DISK = """
import resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), int(sys.argv[3])))
"""


def test_a_full_disk_ends_the_build_and_leaves_nothing_complete(source, tmp_path):
    (tmp_path / "build.py").write_text(FULL_DISK + BUILD)
    output = tmp_path / "out"
    command = [sys.executable, tmp_path / "build.py", source, output]
    ended = subprocess.run([*command, "8000"], capture_output=True, text=True)
    assert ended.returncode != 0
    assert "File too large" in ended.stderr
    assert not output.exists()
    subprocess.run([*command, "-1"], check=True)
    assert all(open_dataset(output).frames(clip).any() for clip in open_dataset(output).clips)
