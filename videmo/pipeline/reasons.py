"""Why a stage would run: what differs from the newest output that the store has of it."""

from __future__ import annotations

from collections.abc import Mapping

from videmo.stages.digest import Code
from videmo.stages.libraries import public
from videmo.stages.report import StageReport


def differences(
    before: StageReport, inputs: Mapping[str, str], settings: Mapping[str, object], code: Code
) -> list[str]:
    """A line for each kind of thing in a digest that has changed."""
    old, new = public(before.versions), public(code.versions)
    changes = (
        ("input changed", _changed(before.inputs, inputs)),
        ("params changed", _changes(_flat(before.config), _flat(settings))),
        ("code changed", _changed(before.code, code.files)),
        ("python changed", _changes({"": old.pop("python", None)}, {"": new.pop("python", None)})),
        ("library changed", _changes(old, new)),
    )
    return [f"{kind}: {few(names)}" for kind, names in changes if names]


def few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _changed(before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    return [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]


def _changes(before: Mapping[str, object], now: Mapping[str, object]) -> list[str]:
    return [f"{name} {before.get(name)} -> {now.get(name)}".strip() for name in _changed(before, now)]


def _flat(settings: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for key, value in settings.items():
        flat.update(_flat(value, f"{prefix}{key}.") if isinstance(value, Mapping) else {f"{prefix}{key}": value})
    return flat
