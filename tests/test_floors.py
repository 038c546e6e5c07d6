"""The floors: which room may import which. `make lint` checks the contract; here, that it is the one in the docs."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def contract() -> list[set[str]]:
    """The floors of pyproject.toml, from the ground."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    return [set(layer.split(" : ")) for layer in reversed(layers)]


def test_the_floors_that_are_checked_are_those_of_the_design():
    design = (ROOT / "docs" / "design.md").read_text()
    floors = re.search(r"\*\*Floors\*\*, from the ground: ([^.]*)\.", design)
    assert floors is not None
    assert contract() == [set(re.findall(r"\w+", floor)) for floor in floors[1].split("|")]


def test_every_room_stands_on_a_floor():
    rooms = {path.parent.name for path in (ROOT / "videmo").glob("*/__init__.py")}
    assert rooms == set.union(*contract())


def test_an_import_from_a_floor_above_is_refused(tmp_path):
    """A copy of the package with one import too many: the contract names it."""
    shutil.copytree(ROOT / "videmo", tmp_path / "videmo", ignore=shutil.ignore_patterns("weights", "__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "videmo" / "tree" / "climbing.py").write_text("import videmo.pipeline.dag\n")
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", "--no-logo"]
    environment = {"PYTHONPATH": str(tmp_path), "PATH": ""}
    checked = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert checked.returncode == 1
    assert "videmo.tree.climbing -> videmo.pipeline.dag" in checked.stdout
