"""Shards: what any WebDataset reader sees, what the index finds, and what a damaged one says."""

import json
import pickle
import shutil
import tarfile

import numpy as np
import pyarrow.parquet as pq
import pytest

from videmo.data.shards import Entry, decode_frame, encode_frame, read_frames, read_index, write_index, write_shard


@pytest.fixture
def frames() -> np.ndarray:
    ramp = np.linspace(0, 255, 28, dtype=np.uint8)
    picture = np.stack([np.tile(ramp, (28, 1)), np.tile(ramp[:, None], (1, 28)), np.full((28, 28), 90, np.uint8)], -1)
    return np.stack([np.roll(picture, i, 1) for i in range(4)])


@pytest.fixture
def shard(tmp_path, frames):
    clips = [(name, {"person": "é"}, [encode_frame(frame) for frame in frames]) for name in ("a-1", "b_2", "c" * 90)]
    (tmp_path / "shards").mkdir()
    return tmp_path / "shards" / "00000.tar", write_shard(tmp_path / "shards" / "00000.tar", clips)


def test_a_shard_is_an_ordinary_tar_in_webdatasets_convention(shard):
    path, _ = shard
    with tarfile.open(path) as tar:
        names = tar.getnames()
        assert json.load(tar.extractfile("b_2.json")) == {"person": "é"}
    assert names[:5] == ["a-1.json", "a-1.00.jpg", "a-1.01.jpg", "a-1.02.jpg", "a-1.03.jpg"]
    assert list(dict.fromkeys(name.partition(".")[0] for name in names)) == ["a-1", "b_2", "c" * 90]


def test_every_clip_is_found_by_the_index_and_its_frames_are_those_written(shard, frames):
    path, entries = shard
    for entry in entries:
        read = read_frames(path.parent, entry)
        assert read.shape == frames.shape
        assert np.abs(read.astype(int) - frames).mean() < 3


def test_colour_keeps_its_place():
    frame = np.zeros((28, 28, 3), np.uint8)
    frame[:, 14:, 0] = 255
    read = decode_frame(encode_frame(frame))
    assert read[14, 24, 0] > 240
    assert read[14, 24, 1:].max() < 15
    assert read[14, 4].max() < 15


def test_a_shard_has_the_same_bytes_whenever_it_is_written(shard, tmp_path, frames):
    path, _ = shard
    clips = [(name, {"person": "é"}, [encode_frame(frame) for frame in frames]) for name in ("a-1", "b_2", "c" * 90)]
    write_shard(tmp_path / "00000.tar", clips)
    assert (tmp_path / "00000.tar").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("name", ["../a", "a.b", "a/b", "", "a b", "x" * 91])
def test_an_id_that_could_leave_the_shard_or_split_its_name_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match="clip id"):
        write_shard(tmp_path / "00000.tar", [(name, {}, [])])
    assert not (tmp_path / "00000.tar").exists()


def test_the_index_comes_back_as_written_and_refuses_other_places(tmp_path):
    entry = Entry("a", "00000.tar", (512, 2048), (100, 90))
    write_index([entry], tmp_path / "index.parquet")
    assert read_index(tmp_path / "index.parquet") == {"a": entry}
    write_index([Entry("a", "../../secret.tar", (512,), (100,))], tmp_path / "index.parquet")
    with pytest.raises(ValueError, match="invalid entry"):
        read_index(tmp_path / "index.parquet")


def test_a_shard_that_is_not_the_indexs_is_noticed(shard):
    path, (first, second, _) = shard
    with pytest.raises(ValueError, match=r"no member a-1\.00\.jpg"):
        read_frames(path.parent, Entry(first.clip, first.shard, second.offsets, second.lengths))


def test_a_shard_cut_short_or_missing_is_noticed(shard):
    path, entries = shard
    path.write_bytes(path.read_bytes()[: entries[-1].offsets[-1] - 1000])
    with pytest.raises(ValueError, match="cannot read the frames of"):
        read_frames(path.parent, entries[-1])
    path.unlink()
    with pytest.raises(ValueError, match="cannot read the frames of"):
        read_frames(path.parent, entries[0])


def test_a_data_set_travels_to_another_process_as_its_path(dataset):
    assert len(pickle.dumps(dataset)) < 300
    again = pickle.loads(pickle.dumps(dataset))
    assert again.clips == dataset.clips
    assert again.samples == dataset.samples


def test_samples_are_picked_by_split_and_level(dataset):
    assert dataset.of() == dataset.samples
    picked = dataset.of(split="test", level="expression")
    assert picked
    assert all((sample.split, sample.level) == ("test", "expression") for sample in picked)


def test_an_unfinished_directory_is_not_opened(dataset, tmp_path):
    from videmo.data.shards import open_dataset

    shutil.copytree(dataset.directory, tmp_path / "half")
    (tmp_path / "half" / "stage.json").unlink()
    with pytest.raises(FileNotFoundError, match="not a finished data set"):
        open_dataset(tmp_path / "half")


def test_samples_and_clips_are_plain_parquet(dataset):
    directory = dataset.directory
    assert pq.read_table(directory / "samples.parquet").column_names == [
        "id", "clip", "part", "level", "split", "question", "answer"]  # fmt: skip
    assert pq.read_table(directory / "clips.parquet").column("attribute")[0].as_py()[0].keys() == {"aspect", "item"}
