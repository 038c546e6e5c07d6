"""Options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

ParamsFile = Annotated[Path, typer.Option("--params", help="Settings.")]
Overrides = Annotated[list[str] | None, typer.Option("--set", help="Change a setting.", metavar="SECTION.KEY=VALUE")]
DEFAULT = Path("params.yaml")
