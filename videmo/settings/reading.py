"""A params file and changes to it: YAML, read into a plain mapping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Mapping
from itertools import islice
from pathlib import Path

import yaml

from videmo.settings.errors import SettingError

SHOWN = 120  # characters of what a user wrote, in a message
MOST = 10_000  # values that settings may hold, those that aliases and merge keys repeat included
TOO_MANY = "too many values for settings"


class _Loader(yaml.SafeLoader):
    """YAML that refuses duplicate keys, of which plain YAML silently drops the first, and merge keys without end."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        times = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        for key, count in times.items():
            if count > 1:
                raise yaml.constructor.ConstructorError(None, None, f"duplicate key {key!r}", node.start_mark)
        mapping: dict[Hashable, object] = super().construct_mapping(node, deep)
        return mapping

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > MOST:
            raise ValueError(TOO_MANY)


def read(path: Path) -> dict[str, object]:
    """The mapping in a params file. Raises SettingError if it cannot be read."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingError(f"{path}: no such params file") from None
    except OSError as error:
        raise SettingError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise SettingError(f"{path}: not a readable YAML file: {_short(error)}") from None
    settings = _parse(text, f"{path}: not a readable YAML file")
    if not isinstance(settings, dict):
        found = "empty" if settings is None else type(settings).__name__
        raise SettingError(f"{path}: a params file is a mapping of sections, not {found}")
    return settings


def change_of(change: str, below: Mapping[str, object]) -> dict[str, object]:
    """`section.key=value`, the value in YAML, as nested mappings.

    Raises SettingError if it is malformed, or names a part of what is a value in `below`."""
    key, equals, value = change.partition("=")
    if not equals or "." not in key or not all(map(str.strip, key.split("."))):
        raise SettingError(f"--set {change[:SHOWN]}: use section.key=value, such as --set rl.steps=10")
    *sections, last = key.strip().split(".")
    place: object = below
    for section in sections:
        place = place.get(section) if isinstance(place, Mapping) else None
        if place is not None and not isinstance(place, Mapping):
            raise SettingError(f"--set {change[:SHOWN]}: {section} is a value, not a section")
    found: dict[str, object] = {last: _parse(value, f"--set {change[:SHOWN]}: {value[:SHOWN]!r} is not a YAML value")}
    for section in reversed(sections):
        found = {section: found}
    return found


def _parse(text: str, fault: str) -> object:
    """The value of a YAML text. Raises SettingError, `fault` and what is wrong."""
    try:
        value: object = yaml.load(text, _Loader)
        if next(islice(_values_in(value), MOST, None), None) is not None:
            raise ValueError(TOO_MANY)
        return value
    # PyYAML's constructors raise whatever int(), date() and the stack raise.
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError, RecursionError, OverflowError) as error:
        raise SettingError(f"{fault}: {_short(error)}") from None


def _values_in(value: object) -> Iterator[object]:
    yield value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from _values_in(one)


def _short(error: Exception) -> str:
    if isinstance(error, RecursionError):
        return "nested too deeply"
    return " ".join(str(error).split())[:SHOWN] or type(error).__name__
