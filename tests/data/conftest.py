"""A source of real videos, and the data set that is built of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from default_settings import params_with
from made_videos import face, write_video

from videmo.data.build import run
from videmo.data.shards import Dataset, open_dataset
from videmo.settings.sections import DataBuildSettings


@pytest.fixture
def face_video(tmp_path: Path) -> Callable[..., Path]:
    """Write a short video of a face; `shade` of the background tells one video from another."""

    def write(name: str, shade: int = 90, seconds: float = 1.0) -> Path:
        return write_video(tmp_path / name, [face(background=shade)] * round(10 * seconds))

    return write


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return make_source(tmp_path / "in")


@pytest.fixture
def built(tmp_path: Path, source: Path) -> Callable[..., Dataset]:
    """Build the data set of `source` and open it."""

    def build(output: Path = tmp_path / "data_build", **settings: Any) -> Dataset:
        return build_source(source, output, **settings)

    return build


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The data set of such a source, for tests that change nothing in it."""
    directory = tmp_path_factory.mktemp("dataset")
    return build_source(make_source(directory / "in"), directory / "data_build")


def make_source(directory: Path) -> Path:
    """A directory of four videos of three people, and its labels."""
    rows = ["file,person,expression,expression_sequence,hair_color"]
    for number, person in enumerate(("p1", "p1", "p2", "p3")):
        write_video(directory / f"{number}.mp4", [face(background=60 + 10 * number)] * 10)
        rows.append(f"{number}.mp4,{person},happy,neutral>happy,black")
    (directory / "labels.csv").write_text("\n".join(rows) + "\n")
    return directory


def build_source(source: Path, output: Path, workers: int = 1, **settings: Any) -> Dataset:
    data = {"source": "folder", "path": source, "frames": 4, "frame_size": 56, **settings}
    params = params_with({"data": data, "execution": {"workers": workers}})
    run(DataBuildSettings.of(params, "data_build"), {}, output)
    return open_dataset(output)
