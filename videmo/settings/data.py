"""The clips of a run, and what must hold of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from videmo.settings.kinds import Positive, Section, Seed, Share


class Data(Section):
    """What clips there are and how they are sampled."""

    source: Literal["faces", "folder"] = "faces"
    path: Path | None = None  # folder: the directory of videos
    labels: str = "labels.csv"  # folder: the CSV beside them
    people: Annotated[int, Field(ge=2)] = 200  # faces: how many different people; some are held out
    clips_per_person: Positive = 4  # faces
    seed: Seed = 0
    # Of the people (of the clips where people are unknown); 1: nobody is trained on, for an evaluation alone.
    test_share: Annotated[float, Field(gt=0, le=1)] = 0.2
    frames: Annotated[int, Field(ge=2, le=16, multiple_of=2)] = 8
    frame_size: Annotated[int, Field(ge=28, multiple_of=28)] = 84  # pixels; frames are squared by padding
    max_rejected: Share = 0.2
    shard_clips: Positive = 256

    @field_validator("path", mode="before")
    @classmethod
    def path_is_not_empty(cls, path: object) -> object:
        if path == "":
            raise ValueError("data.path = '': name the directory of the videos, or null for a source without one")
        return path

    @model_validator(mode="after")
    def folder_has_a_path(self) -> Data:
        if self.source == "folder" and self.path is None:
            raise ValueError("data.path is missing: data.source = folder needs the directory of the videos")
        return self


class Validation(Section):
    """What must hold of clips and samples before anything is trained on them."""

    min_clips: Positive = 8
    min_columns: Annotated[int, Field(ge=1, le=33)] = 1  # face-15 columns with at least one test sample
    max_unknown_share: Share = 0.0  # tree pairs outside the vocabulary
