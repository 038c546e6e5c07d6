"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from videmo.settings.params import Params

ParamsFile = Annotated[
    list[Path] | None, typer.Option("--params", help="Settings on top of params.yaml; repeatable.", metavar="FILE")
]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Change a setting.", metavar="SECTION.KEY=VALUE")]
DEFAULT = None


def settings_of(params: list[Path] | None, overrides: list[str] | None) -> Params:
    """The settings that the options give; what the models are made of is imported only now."""
    from videmo.settings.params import load_params

    return load_params(params or (), overrides)


def explanation(params: list[Path] | None, overrides: list[str] | None, key: str) -> list[str]:
    """What a setting is, and which file or option it comes from."""
    from videmo.settings.layers import stack
    from videmo.settings.params import explain, resolve

    layers = stack(params or (), overrides or ())
    return explain(resolve(layers), layers, key)
