"""What the documentation names has to exist."""

import re
from pathlib import Path

import pytest

from videmo.settings.params import Params
from videmo.settings.sources import SOURCES

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), ROOT / "infra" / "README.md", *(ROOT / "docs").glob("*.md")])
SECTIONS = Params.model_fields


def text_of(page):
    return page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_relative_links_lead_to_files(page):
    targets = [target for target in re.findall(r"\]\(([^)#]+)", text_of(page)) if "://" not in target]
    missing = [target for target in targets if not (page.parent / target).exists()]
    assert not missing


# These also name settings that there were, or that the reader is about to add.
CURRENT = [page for page in PAGES if page.name not in ("CHANGELOG.md", "measurements-log.md", "extending.md")]


@pytest.mark.parametrize("page", CURRENT, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_settings_that_are_named_exist(page):
    pattern = rf"\b((?:{'|'.join(SECTIONS)})(?:\.[a-z_]+)+)(?:`|=)"
    for setting in re.findall(rf"(?:`|--set ){pattern}", text_of(page)):
        models = [Params]
        for key in setting.split("."):
            fields = [model.model_fields[key] for model in models if key in model.model_fields]
            assert fields, setting
            kinds = [field.annotation for field in fields if hasattr(field.annotation, "model_fields")]
            models = [*SOURCES.values()] if key == "data" else kinds or models


def test_options_of_kfp_run_are_all_explained_and_no_others():
    from videmo.cli.kfp import run_file

    explained = set(re.findall(r"^\| `(--[a-z-]+)", text_of(ROOT / "docs" / "operations.md"), re.MULTILINE))
    assert explained == {option for parameter in run_file.params for option in parameter.opts if option[:2] == "--"}


def test_the_picture_of_the_dag_names_every_step_of_the_table():
    from videmo.pipeline.dag import TABLE

    named = set(re.findall(r">([a-z0-9_]+)</text>", (ROOT / "docs" / "dag.svg").read_text(encoding="utf-8")))
    assert {name for name, stage in TABLE.items() if not stage.optional} <= named
