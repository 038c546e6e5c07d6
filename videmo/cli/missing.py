"""What to install where a command needs a package that is not there."""

from __future__ import annotations


def missing_package(error: ModuleNotFoundError) -> str:
    """One line about a package of an extra. A module of this project that is missing is a fault, and raised again."""
    package = (error.name or "").partition(".")[0]
    if package in {"", "videmo"}:
        raise error
    return f"the package {package} is not installed; videmo[all] has everything, docs/operations.md lists the extras"
