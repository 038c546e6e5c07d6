"""Where clips come from: the settings of each source, and what of them lies outside the store.

A source is registered here, by its settings; the module of the same name in data/sources/ yields its recordings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import Field, ValidationError, field_validator

from videmo.settings.data import Data
from videmo.settings.errors import SettingError, describe
from videmo.settings.kinds import Positive

Kind = TypeVar("Kind", bound=type[Data])
SOURCES: dict[str, type[Data]] = {}


def source(name: str) -> Callable[[Kind], Kind]:
    """Register the settings of the source called `name`."""

    def register(kind: Kind) -> Kind:
        SOURCES[name] = kind
        return kind

    return register


@source("faces")
class FacesData(Data):
    """People drawn frame by frame."""

    source: Literal["faces"] = "faces"
    people: Annotated[int, Field(ge=2)]  # how many different people; some are test people
    clips_per_person: Positive

    @property
    def made(self) -> int:
        return self.people * self.clips_per_person


class VideosData(Data):
    """Videos of a directory, which enters the digest by content. For sources to extend."""

    path: Path

    @field_validator("path", mode="before")
    @classmethod
    def path_is_not_empty(cls, path: object) -> object:
        if path in ("", None):
            raise ValueError(f"data.path = {path!r}: name the directory of the videos")
        return path

    @property
    def videos(self) -> Path:
        return self.path

    def external_inputs(self) -> dict[str, Path]:
        return {"data.path": self.path}

    def check(self) -> None:
        if not self.path.is_dir():
            raise SettingError(f"data.path = {self.path}: no such directory (seen from {Path.cwd()})")


@source("folder")
class FolderData(VideosData):
    """Videos with a file of labels beside them."""

    source: Literal["folder"] = "folder"
    labels: str = "labels.csv"  # a CSV, or JSON of conversations

    def external_inputs(self) -> dict[str, Path]:
        """Labels inside the directory of the videos enter with it."""
        labels = self.path / self.labels
        inside = labels.resolve().is_relative_to(self.path.resolve())
        return super().external_inputs() | ({} if inside else {"data.labels": labels})

    def check(self) -> None:
        super().check()
        if not (self.path / self.labels).is_file():
            raise SettingError(f"data.labels = {self.labels}: no such file in {self.path}")


def data_of(settings: Mapping[str, Any]) -> Data:
    """The section `data`, checked as its source has it. Raises ValueError, all problems on one line."""
    name = settings.get("source")
    if not isinstance(name, str) or name not in SOURCES:
        raise ValueError(f"data.source = {name!r}: no such source; there are {', '.join(SOURCES)}")
    kind = SOURCES[name]
    try:
        return kind.model_validate(dict(settings))
    except ValidationError as error:
        raise ValueError("; ".join(_told(problem, name, kind) for problem in error.errors())) from None


def _told(problem: Any, name: str, kind: type[Data]) -> str:
    key = problem["loc"][0] if problem["loc"] else ""
    if problem["type"] == "extra_forbidden" and any(key in other.model_fields for other in SOURCES.values()):
        return f"data.{key}: not a setting of source {name}, which has {', '.join(kind.model_fields)}"
    if problem["type"] == "missing":
        return f"data.{key} is missing: data.source = {name} needs it"
    return describe(problem, kind, prefix="data.")
