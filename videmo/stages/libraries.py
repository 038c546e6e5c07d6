"""The installed versions of what is imported from outside the package."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from importlib.util import find_spec

from videmo.stages.remembered import Remembered
from videmo.stages.source_file import PYTHON


def versions_of(imported: Iterable[str]) -> dict[str, str]:
    """Distribution -> version for the imported names that are installed, and Python's minor version.

    The standard library is Python's own; what is not installed cannot be used and does not count.
    """
    names = sorted(set(imported) - sys.stdlib_module_names)
    found = {name: _installed(name) for distributions in map(_distributions, names) for name in distributions}
    Remembered.of("distributions").save()
    return {"python": PYTHON, **{name: installed for name, installed in found.items() if installed}}


def public(versions: Mapping[str, str]) -> dict[str, str]:
    """The versions without the label of a build: 2.13.0+cpu and 2.13.0+cu130 are one source for two machines."""
    return {name: installed.partition("+")[0] for name, installed in versions.items()}


def _distributions(imported: str) -> list[str]:
    """The distribution that installs this name: mostly of the same name, else looked up in half a second."""
    if _installed(imported):
        return [imported]
    if find_spec(imported) is None:
        return []
    remembered = Remembered.of("distributions")
    known: list[str] = json.loads(remembered.get(imported) or "[]")
    if not known or not all(map(_installed, known)):
        known = sorted(set(_all_distributions().get(imported, ())))
        if known:
            remembered.add(imported, json.dumps(known))
    return known


@cache
def _all_distributions() -> Mapping[str, list[str]]:
    return packages_distributions()


@cache
def _installed(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
