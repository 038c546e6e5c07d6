"""The ingestion path on real containers and codecs. The clips are not part of the project: VIDEMO_CLIPS names them."""

import os
import time
from pathlib import Path

import pytest
from default_settings import params_with

from videmo.data.build import run
from videmo.data.decoding import decode, probe
from videmo.data.shards import open_dataset
from videmo.settings.sections import DataBuildSettings

CLIPS = Path(os.environ.get("VIDEMO_CLIPS", Path(__file__).parents[3] / "shared" / "clips"))

pytestmark = pytest.mark.skipif(
    not (CLIPS / "labels.csv").is_file(), reason=f"no real clips at {CLIPS}; name their directory in VIDEMO_CLIPS"
)


def test_every_real_video_is_decoded(record_property):
    started = time.monotonic()
    videos = [path for path in sorted(CLIPS.iterdir()) if path.suffix not in (".csv", ".md")]
    for video in videos:
        assert decode(video, 8, 84).shape == (8, 84, 84, 3)
        assert 0 < probe(video).duration < 30
    record_property("seconds_per_clip", (time.monotonic() - started) / len(videos))


def test_the_real_clips_become_a_data_set_and_the_one_without_a_face_does_not(tmp_path):
    params = params_with({"data": {"source": "folder", "path": CLIPS}})
    run(DataBuildSettings.of(params, "data_build"), {}, tmp_path / "out")
    dataset = open_dataset(tmp_path / "out")
    refused = {entry["file"]: entry["reason"] for entry in dataset.quarantined}
    assert refused.keys() == {"pyfeat__no_face.mp4", "pyfeat__multi_face.jpg", "pyfeat__single_face.jpg"}
    assert refused["pyfeat__no_face.mp4"].startswith("no face found")
    assert len(dataset.clips) == 28
    assert {clip.split for clip in dataset.clips.values()} == {"train", "test"}
    assert {"hair", "emotion_dfew", "sentiment", "fine_caption", "rationale"} <= {s.part for s in dataset.samples}
