"""The digest of a stage: what it depends on and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from videmo.stages.closure import import_closure
from videmo.stages.content import digest_of

VERSIONS_OF = ("torch", "transformers", "deepspeed", "numpy", "av")


def stage_digest(module: str, sections: Mapping[str, Any], input_digests: Mapping[str, str]) -> str:
    """What a stage depends on and nothing else: its code and package data, config sections and inputs."""
    return digest_of([import_closure(module), sections, input_digests])


def installed_versions() -> dict[str, str]:
    return {package: installed for package in VERSIONS_OF if (installed := _installed(package))}


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
