"""A params file and changes to it: YAML, read into a plain mapping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from videmo.settings.errors import SettingError


class _Loader(yaml.SafeLoader):
    """YAML in which a key may stand once: of two, the first would be dropped without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"{key!r} stands there twice", node.start_mark)
        return super().construct_mapping(node, deep)


def read(path: Path) -> dict[str, Any]:
    """The mapping in a params file. Raises SettingError where there is none that can be read."""
    try:
        settings = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise SettingError(f"{path}: no such params file") from None
    except OSError as error:
        raise SettingError(f"{path}: cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise SettingError(f"{path}: not a readable YAML file: {' '.join(str(error).split())}") from None
    if not isinstance(settings, dict):
        found = "empty" if settings is None else type(settings).__name__
        raise SettingError(f"{path}: a params file is a mapping of sections, not {found}")
    return settings


def override(settings: dict[str, Any], change: str) -> None:
    """Apply `section.key=value`, the value in YAML, to `settings` in place. Raises SettingError where it is none."""
    key, equals, value = change.partition("=")
    if not equals or "." not in key or not all(map(str.strip, key.split("."))):
        raise SettingError(f"--set {change}: use section.key=value, such as --set rl.steps=10")
    *sections, last = key.strip().split(".")
    target = settings
    for section in sections:
        if target.get(section) is None:
            target[section] = {}  # a section that is off until something in it is set, such as sft.lora
        target = target[section]
        if not isinstance(target, dict):
            raise SettingError(f"--set {change}: {section} is a value, not a section")
    try:
        target[last] = yaml.safe_load(value)
    except yaml.YAMLError:
        raise SettingError(f"--set {change}: {value!r} is not a YAML value") from None
