"""What must hold of a data set before anything is trained on it; what does not is named with its rows."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from default_settings import params_with, validation_settings

from videmo.data.clip import Clip
from videmo.data.samples import Sample
from videmo.data.tables import write_clips, write_samples
from videmo.data.validation import ValidationFailed, run
from videmo.settings.data import Validation
from videmo.settings.sections import DataValidationSettings
from videmo.tree.model import AffectiveTree, Pair

CONFIG = validation_settings(min_clips=4)


@pytest.fixture
def spoil(dataset, tmp_path) -> Callable[..., Path]:
    """The built data set with its clips or samples passed through a function."""

    def spoiled(
        clips: Callable[[list[Clip]], list[Clip]] | None = None,
        samples: Callable[[list[Sample]], list[Sample]] | None = None,
    ) -> Path:
        shutil.copytree(dataset.directory, tmp_path / "spoiled")
        if clips:
            write_clips(clips(list(dataset.clips.values())), tmp_path / "spoiled" / "clips.parquet")
        if samples:
            write_samples(samples(list(dataset.samples)), tmp_path / "spoiled" / "samples.parquet")
        return tmp_path / "spoiled"

    return spoiled


def validate(directory: Path, tmp_path: Path, config: Validation = CONFIG) -> dict[str, float]:
    settings = DataValidationSettings.of(params_with({"validation": config.model_dump()}), "data_validation")
    return run(
        settings,
        {"data_build": directory},
        tmp_path / "validated",
    ).metrics


def refusal(directory: Path, tmp_path: Path, config: Validation = CONFIG) -> str:
    with pytest.raises(ValidationFailed) as failed:
        validate(directory, tmp_path, config)
    assert not (tmp_path / "validated").exists()
    return str(failed.value)


def test_a_sound_data_set_passes_and_leaves_data_docs(dataset, tmp_path):
    metrics = validate(dataset.directory, tmp_path)
    assert metrics["failed"] == 0
    assert metrics["clips"] == 4
    assert metrics["columns"] >= 5
    assert (tmp_path / "validated" / "data_docs" / "index.html").stat().st_size > 1000
    assert json.loads((tmp_path / "validated" / "failures.json").read_text()) == []


def test_too_few_clips_or_columns_name_the_setting_and_leave_the_docs(dataset, tmp_path):
    said = refusal(dataset.directory, tmp_path, validation_settings(min_clips=5, min_columns=33))
    assert "2 of" in said
    assert "observed 4, expected min_value 5 (set by validation.min_clips)" in said
    assert "validation.min_columns" in said
    assert (tmp_path / "validated.partial" / "data_docs" / "index.html").exists()
    failures = json.loads((tmp_path / "validated.partial" / "failures.json").read_text())
    assert [failure["table"] for failure in failures] == ["clips", "columns"]


def test_a_level_without_training_samples_is_named(spoil, tmp_path):
    def untaught(samples: list[Sample]) -> list[Sample]:
        return [sample for sample in samples if sample.split == "test" or sample.level == "attribute"]

    said = refusal(spoil(samples=untaught), tmp_path)
    assert "of levels.training_samples: 2 of 3 rows: expression, emotion" in said


def test_a_person_in_both_splits_is_named(spoil, tmp_path):
    other = {"train": "test", "test": "train"}
    directory = spoil(clips=lambda clips: [replace(clips[0], split=other[clips[0].split]), *clips[1:]])
    said = refusal(directory, tmp_path)
    assert "of people.splits: 1 of 3 rows: p1" in said
    assert "of samples.split_is_the_clips" in said


def test_an_answer_outside_its_space_and_a_repeated_id_are_named(spoil, tmp_path):
    def wrong(samples: list[Sample]) -> list[Sample]:
        at = [sample.part for sample in samples].index("emotion_dfew")
        samples[at] = replace(samples[at], answer="overjoyed")
        return [*samples, samples[-1]]

    said = refusal(spoil(samples=wrong), tmp_path)
    assert "of samples.answer_is_possible: 1 of" in said
    assert "0_mp4.emotion_dfew" in said
    assert "expect_column_values_to_be_unique of samples.id: 2 of" in said


def test_a_caption_that_cannot_be_parsed_is_named(spoil, tmp_path):
    def cut(samples: list[Sample]) -> list[Sample]:
        return [replace(s, answer=s.answer[:-3]) if s.part == "fine_caption" else s for s in samples]

    assert "of samples.answer_is_possible: 4 of" in refusal(spoil(samples=cut), tmp_path)


def test_a_sample_of_no_clip_is_named(spoil, tmp_path):
    said = refusal(spoil(samples=lambda samples: [replace(samples[0], clip="nobody"), *samples[1:]]), tmp_path)
    assert "of samples.clip_exists: 1 of" in said


def test_clips_without_duration_or_frames_are_named(spoil, tmp_path):
    directory = spoil(clips=lambda clips: [replace(clips[0], duration=0.0), *clips[1:]])
    (directory / "shards" / "00000.tar").write_bytes(b"")
    said = refusal(directory, tmp_path)
    assert "of clips.duration: 1 of 4 rows: 0_mp4" in said
    assert "of clips.frames: 4 of 4 rows" in said


def test_words_outside_the_vocabulary_count_against_their_share(spoil, tmp_path):
    odd = AffectiveTree(attribute=(Pair("hair colour", "plaid"), Pair("age", "young")))
    directory = spoil(clips=lambda clips: [replace(clips[0], tree=odd), *clips[1:]])
    said = refusal(directory, tmp_path)
    assert "of pairs.known: 1 of" in said
    assert "0_mp4 hair colour: plaid" in said
    assert validate(directory, tmp_path, validation_settings(min_clips=4, max_unknown_share=0.2))["failed"] == 0


def test_people_who_are_unknown_are_no_failure(spoil, tmp_path):
    directory = spoil(clips=lambda clips: [replace(clip, person=None) for clip in clips])
    assert validate(directory, tmp_path)["failed"] == 0


def test_markup_in_the_data_is_text_in_the_data_docs_and_named_as_it_is_in_the_message(spoil, tmp_path):
    evil = "<script>alert(1)</script> & more"

    def taught(clips: list[Clip]) -> list[Clip]:
        return [replace(clips[0], tree=AffectiveTree(attribute=(Pair("age", evil),))), *clips[1:]]

    assert f"age: {evil}" in refusal(spoil(clips=taught), tmp_path)
    pages = "".join(page.read_text() for page in (tmp_path / "validated.partial" / "data_docs").rglob("*.html"))
    assert "alert(1)" in pages
    assert "<script>alert(1)" not in pages
