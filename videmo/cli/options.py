"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from videmo.settings.params import Params

ParamsFile = Annotated[Path, typer.Option("--params", help="Settings.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Change a setting.", metavar="SECTION.KEY=VALUE")]
DEFAULT = Path("params.yaml")


def settings_of(params: Path, overrides: list[str] | None) -> Params:
    """The settings that the options give; what the models are made of is imported only now."""
    from videmo.settings.params import load_params

    return load_params(params, overrides)
