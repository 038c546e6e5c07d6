"""Params files that stack: each names what it changes of those below it, and `--set` lies on top."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from videmo.settings.reading import change_of, read
from videmo.settings.sources import SOURCES

NAME = "params.yaml"
GROUND = Path(__file__).with_name(NAME)  # the project's, which an installed package carries too: complete
SET = "--set "  # all of them are one layer


@dataclass
class Layers:
    """The values of all layers together, and of each setting the layer that it comes from."""

    values: dict[str, object] = field(default_factory=dict)
    origins: dict[str, str] = field(default_factory=dict)
    aside: dict[str, tuple[object, str]] = field(default_factory=dict)  # of `data`: what its source does not have
    names: list[str] = field(default_factory=list)  # of the layers, from the ground up

    def add(self, values: Mapping[str, object], origin: str) -> None:
        self.names.append(origin)
        self._switch_source(values, origin)
        _merge(self.values, values)
        for setting in settings_in(values):
            # A section that is switched off, or on in one piece, or by a setting of its own.
            for known in [known for known in self.origins if _inside(known, setting) or _inside(setting, known)]:
                del self.origins[known]
            self.origins[setting] = origin

    def behind(self, settings: Iterable[str]) -> list[str]:
        """The layers that `settings` come from, from the ground up.

        A setting that no layer has comes from those of the nearest section around it that one has; at last from all.
        """
        origins = {origin for setting in settings for origin in self._origins_of(setting)}
        return [name for name in dict.fromkeys(self.names) if name in origins]

    def _origins_of(self, setting: str) -> set[str]:
        if not setting:
            return set(self.names)
        found = {origin for known, origin in self.origins.items() if known == setting or _inside(known, setting)}
        return found or self._origins_of(setting.rpartition(".")[0])

    def _switch_source(self, values: Mapping[str, object], origin: str) -> None:
        """Where `values` name another source, set aside what it does not have, and take up again what it has."""
        above, below = values.get("data"), self.values.get("data")
        name = above.get("source") if isinstance(above, Mapping) else None
        if not isinstance(name, str) or name not in SOURCES or not isinstance(below, dict):
            return
        if name == below.get("source"):
            return
        for setting in [known for known in self.origins if known.startswith("data.")]:
            key = setting.split(".")[1]
            same_layer = origin.startswith(SET) and self.origins[setting].startswith(SET)
            if key not in SOURCES[name].model_fields and not same_layer:
                self.aside[key] = below.pop(key), self.origins.pop(setting)
        for key in self.aside.keys() & SOURCES[name].model_fields.keys():
            below[key], self.origins[f"data.{key}"] = self.aside.pop(key)


def stack(files: Sequence[Path], changes: Sequence[str], near: Path | None = None) -> Layers:
    """The project's params.yaml; on top of it that of the current directory, or else the nearest one above `near`; then
    `files` in order, and `changes`, each `section.key=value`.

    Raises SettingError if a file cannot be read or a change is malformed.
    """
    layers = Layers()
    below = {path.resolve(): path for path in grounds(near)}
    for path in [*below.values(), *(path for path in files if path.resolve() not in below)]:
        layers.add(read(path), str(path))
    for change in changes:
        layers.add(change_of(change, layers.values), f"{SET}{change}")
    return layers


def grounds(near: Path | None = None) -> list[Path]:
    """The files called params.yaml that lie below all others: the project's, and the one that is at hand."""
    places = (Path.cwd(), *(near.resolve().parents if near else ()))
    at_hand = next((place / NAME for place in places if (place / NAME).is_file()), GROUND)
    return [Path(os.path.relpath(path.resolve())) for path in (GROUND, at_hand)]


def settings_in(values: Mapping[str, object], prefix: str = "") -> Iterator[str]:
    """The names of the settings in nested mappings: rl.steps, rl.reward.similar."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from settings_in(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def _inside(setting: str, section: str) -> bool:
    return setting.startswith(f"{section}.")


def _merge(below: dict[str, object], above: Mapping[str, object]) -> None:
    for name, value in above.items():
        held = below.get(name)
        if isinstance(value, Mapping) and value and isinstance(held, dict):
            _merge(held, value)
        else:
            below[name] = dict(value) if isinstance(value, Mapping) else value
