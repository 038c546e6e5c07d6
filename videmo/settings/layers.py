"""Params files that stack: each names what it changes of those below it, and `--set` lies on top."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from videmo.settings.reading import change_of, read
from videmo.settings.sources import DEFAULT, SOURCES

GROUND = "params.yaml"  # complete, and below every other file
SET = "--set "  # all of them are one layer


@dataclass
class Layers:
    """The values of all layers together, and of each setting the layer that it comes from."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)

    def add(self, values: Mapping[str, Any], origin: str) -> None:
        self._drop_data_of_another_source(values, origin)
        _merge(self.values, values)
        for setting in settings_in(values):
            below = [known for known in self.origins if known.startswith(f"{setting}.")]
            for known in below:  # a section that is switched off, or on in one piece
                del self.origins[known]
            self.origins[setting] = origin

    def _drop_data_of_another_source(self, values: Mapping[str, Any], origin: str) -> None:
        """Where `values` name another source, forget what the layers below say and it does not have."""
        above, below = values.get("data"), self.values.get("data")
        name = above.get("source") if isinstance(above, Mapping) else None
        if not isinstance(name, str) or name not in SOURCES or not isinstance(below, dict):
            return
        if name == below.get("source", DEFAULT):
            return
        for setting in [known for known in self.origins if known.startswith("data.")]:
            key = setting.split(".")[1]
            same_layer = origin.startswith(SET) and self.origins[setting].startswith(SET)
            if key not in SOURCES[name].model_fields and not same_layer:
                below.pop(key, None)
                del self.origins[setting]


def stack(files: Sequence[Path], changes: Sequence[str], near: Path | None = None) -> Layers:
    """params.yaml of the current directory, or else of the nearest one above `near`; `files` on top of it in order, and
    `changes`, each `section.key=value`, on top of them.

    Raises SettingError where a file cannot be read or a change is none.
    """
    layers = Layers()
    ground = ground_file(near)
    for path in ([ground] if ground else []) + [path for path in files if not _same(path, ground)]:
        layers.add(read(path), str(path))
    for change in changes:
        layers.add(change_of(change, layers.values), f"{SET}{change}")
    return layers


def ground_file(near: Path | None = None) -> Path | None:
    """The params.yaml that lies below every other file; None where there is none."""
    places = (Path.cwd(), *(near.resolve().parents if near else ()))
    found = next((place / GROUND for place in places if (place / GROUND).is_file()), None)
    return Path(os.path.relpath(found)) if found else None


def settings_in(values: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """The names of the settings in nested mappings: rl.steps, rl.reward.similar."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from settings_in(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _merge(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    for name, value in above.items():
        held = below.get(name)
        if isinstance(value, Mapping) and value and isinstance(held, dict):
            _merge(held, value)
        else:
            below[name] = dict(value) if isinstance(value, Mapping) else value


def _same(path: Path, ground: Path | None) -> bool:
    return ground is not None and path.resolve() == ground.resolve()
