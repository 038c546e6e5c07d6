"""Adoption: an output below outputs/ enters the store whole, sound and of the digest that is asked for."""

import os
import shutil
from pathlib import Path

import pytest
from default_settings import params_with

from videmo.settings.sections import DataValidationSettings
from videmo.stages.adoption import adopt
from videmo.stages.damage import damaged_files
from videmo.stages.report import StageReport
from videmo.stages.store import output_of, partial_of
from videmo.stages.work import stage_directory


@pytest.fixture
def pulled(tmp_path, monkeypatch) -> StageReport:
    """An output below outputs/ of a home whose store is empty."""
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path))
    settings = DataValidationSettings.of(params_with(), "distance")
    with stage_directory(tmp_path / "outputs" / "distance", "videmo.tree.distance", settings, {}) as work:
        (work.path / "model").mkdir()
        (work.path / "model" / "weights.bin").write_bytes(b"w" * 100)
        return work.finish({"loss": 0.25})


def stored(report: StageReport) -> Path:
    return output_of(report.stage, report.digest)


def test_the_name_of_an_adopted_output_is_on_the_disk(pulled, monkeypatch):
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(os.fstat(handle).st_ino))
    adopt("distance", pulled.digest)
    assert synced[-1] == stored(pulled).parent.stat().st_ino
    assert stored(pulled).stat().st_ino in synced


def test_a_sound_output_enters_the_store_and_what_lies_beside_its_files_does_not(pulled):
    (pulled.output / "model" / "notes.txt").write_text("x")
    partial_of(stored(pulled)).mkdir(parents=True)
    assert adopt("distance", pulled.digest) == []
    assert damaged_files(stored(pulled)) == []
    assert StageReport.read(stored(pulled)).metrics == pulled.metrics
    assert not (stored(pulled) / "model" / "notes.txt").exists()
    assert [path.name for path in stored(pulled).parent.iterdir() if path.is_dir()] == [pulled.digest]


def test_an_output_of_another_digest_or_stage_stays_where_it_is(pulled, tmp_path):
    assert adopt("distance", "0" * 16) == []
    pulled.output.rename(tmp_path / "outputs" / "other")
    assert adopt("other", pulled.digest) == []
    assert not list(tmp_path.glob("store/*/*/stage.json"))


def test_a_damaged_output_is_told_and_not_adopted(pulled):
    (pulled.output / "model" / "weights.bin").unlink()
    (pulled.output / "model" / "weights.bin").write_bytes(b"v" * 100)
    assert adopt("distance", pulled.digest) == ["model/weights.bin"]
    assert not stored(pulled).exists()


def test_what_the_store_has_stays(pulled):
    shutil.copytree(pulled.output, stored(pulled))
    (stored(pulled) / "mine").write_text("x")
    assert adopt("distance", pulled.digest) == []
    assert (stored(pulled) / "mine").exists()
