"""The clips of a run whatever source they come from, and what must hold of them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from videmo.settings.kinds import Positive, Section, Seed, Share


class Data(Section):
    """How clips are sampled. Each source extends it by settings of its own (sources.py)."""

    source: str
    seed: Seed
    # Of the people, or of the clips if people are unknown. 1: all are test people, for an evaluation without training.
    test_share: Annotated[float, Field(gt=0, le=1)]
    frames: Annotated[int, Field(ge=2, le=16, multiple_of=2)]
    frame_size: Annotated[int, Field(ge=28, multiple_of=28)]  # pixels; frames are squared by padding
    max_rejected: Share
    shard_clips: Positive

    @property
    def module(self) -> str:
        """The module with the function `recordings`, which yields what this source holds."""
        return f"videmo.data.sources.{self.source}"

    @property
    def videos(self) -> Path | None:
        """The directory that holds the videos; None for a source that makes them."""
        return None

    @property
    def made(self) -> int:
        """How many videos the source makes; 0 if it only reads existing ones."""
        return 0

    def external_inputs(self) -> dict[str, Path]:
        """What enters the digest by content: the files and directories outside the store that settings name."""
        return {}

    def check(self) -> None:
        """Raise SettingError if a file or directory that the settings name does not exist."""


class Validation(Section):
    """What must hold of clips and samples before anything is trained on them."""

    min_clips: Positive
    min_columns: Annotated[int, Field(ge=1, le=33)]  # face-15 columns with at least one test sample
    max_unknown_share: Share  # tree pairs outside the vocabulary
