"""The code of a stage: which edits change it, and which libraries it takes."""

import sys

import grimp
import pytest

from videmo.pipeline.dag import STAGES
from videmo.stages import closure
from videmo.stages.closure import closure_of
from videmo.stages.digest import code_of

FILES = {
    "__init__.py": "",
    "settings/__init__.py": "",
    "settings/model.py": "import yaml\nA = 1\n",
    "room/__init__.py": "",
    "room/one.py": "from videmo.settings.model import A\n\ndef run():\n    from videmo.room import helper\n",
    "room/two.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\n"
    "    from videmo.room import one\n"
    "from . import sources\nimport json\n\nNAME = 'table.json'\nMODULE = 'videmo.room.sources.'\n",
    "room/helper.py": '"""Helps."""\nimport os\ntry:\n    import numpy.random\nexcept ImportError:\n'
    "    from .. import spare\n\ndef help():\n    '''Help.'''\n    import torch  # late\n    return 1\n",
    "room/table.json": "{}",
    "room/other.json": "{}",
    "room/README.md": "words",
    "room/sources/__init__.py": "",
    "room/sources/folder.py": "X = 1\n",
    "room/sources/corpus/__init__.py": "import cv2\n",
    "spare.py": "",
}


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package named videmo with two stages, a helper that one of them imports inside a function, and data files."""
    root = tmp_path / "videmo"
    for name, content in FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    monkeypatch.setattr(closure, "PACKAGE", root)
    monkeypatch.setenv("VIDEMO_HOME", str(tmp_path / "home"))
    return root


def dependents(package, edited: str, text: str) -> set[str]:
    """Which of the two stages have other code once `edited` holds `text`."""
    before = {name: code_of(f"videmo.room.{name}").digest for name in ("one", "two")}
    assert (package / edited).read_text() != text
    (package / edited).write_text(text)
    return {name for name, digest in before.items() if code_of(f"videmo.room.{name}").digest != digest}


@pytest.mark.parametrize(
    ("edited", "changed"),
    [
        ("room/one.py", {"one"}),
        ("room/helper.py", {"one"}),  # imported inside a function
        ("spare.py", {"one"}),  # imported in an except block, by a relative import
        ("room/two.py", {"two"}),  # one's import of it is for types alone
        ("room/sources/folder.py", {"two"}),  # found by a string with the package's name
        ("room/sources/corpus/__init__.py", {"two"}),
        ("room/table.json", {"two"}),  # named by two
        ("room/other.json", {"one", "two"}),  # named by nobody, so everybody's
        ("room/__init__.py", {"one", "two"}),
        ("__init__.py", {"one", "two"}),
        ("room/README.md", set()),
        ("settings/model.py", set()),  # its values enter by section
    ],
)
def test_an_edit_changes_the_code_of_what_depends_on_it_and_nothing_else(package, edited, changed):
    assert dependents(package, edited, FILES[edited] + "\nEDITED = 1\n") == changed


HELPER = FILES["room/helper.py"]


@pytest.mark.parametrize(
    "text",
    [
        HELPER.replace('"""Helps."""', '"""Helps. """'),
        HELPER.replace('"""Helps."""\n', ""),
        HELPER.replace("'''Help.'''", "'''Help out.'''"),
        HELPER.replace("# late", "# as it takes long"),
        HELPER.replace("return 1", "return (1)\n\n"),
    ],
    ids=["space in a docstring", "no docstring", "docstring of a function", "comment", "formatting"],
)
def test_docstrings_comments_and_formatting_change_no_digest(package, text):
    assert dependents(package, "room/helper.py", text) == set()


def test_a_string_that_is_no_docstring_counts(package):
    assert dependents(package, "room/helper.py", HELPER.replace("return 1", "return 'Help.'")) == {"one"}


def test_what_is_parsed_once_is_remembered_below_the_store_and_means_the_same(package, tmp_path):
    (tmp_path / "home" / "store").mkdir(parents=True)
    before = closure_of("videmo.room.two")
    assert (tmp_path / "home/store/.sources.json").exists()
    (package / "room/sources/folder.py").touch()
    assert closure_of("videmo.room.two") == before
    (tmp_path / "home/store/.sources.json").write_text("{")
    assert closure_of("videmo.room.one").code.keys() >= {"videmo/room/helper.py"}


def test_the_chosen_module_of_a_package_found_at_run_time_counts_alone(package):
    every = closure_of("videmo.room.two")
    chosen = closure_of("videmo.room.two", ("videmo.room.sources.folder",))
    assert set(every.code) - set(chosen.code) == {"videmo/room/sources/corpus/__init__.py"}
    assert every.outside - chosen.outside == {"cv2"}


def test_libraries_count_wherever_they_are_imported_and_not_for_types_alone(package):
    assert closure_of("videmo.room.one").outside - sys.stdlib_module_names == {"numpy", "torch"}
    assert closure_of("videmo.room.two").outside - sys.stdlib_module_names == {"cv2"}


def test_a_module_that_is_not_there_is_named(package):
    with pytest.raises(ModuleNotFoundError, match=r"videmo\.nothing"):
        closure_of("videmo.nothing")


def test_the_closure_reaches_the_weights_of_the_tiny_backbone_and_not_the_report():
    files = set(closure_of("videmo.training.tree_rl").code)
    assert "videmo/backbone/weights/tiny/model.safetensors" in files
    assert "videmo/tree/zhang_shasha.py" in files
    assert not [
        file for file in files if file.startswith(("videmo/evaluation", "videmo/pipeline", "videmo/kubeflow", "tests"))
    ]


def test_the_closure_misses_nothing_that_grimp_finds():
    graph = grimp.build_graph("videmo", include_external_packages=True, exclude_type_checking_imports=True)
    for stage in STAGES:
        found = closure_of(stage.module)
        modules = {file.removesuffix(".py").replace("/", ".").removesuffix(".__init__") for file in found.code}
        theirs = graph.find_upstream_modules(stage.module)
        inside = {name for name in theirs if name.startswith("videmo.")}
        assert {name for name in inside - modules if not name.startswith("videmo.settings")} == set()
        reached_by_settings_alone = theirs - inside - found.outside
        for library in reached_by_settings_alone:
            importers = graph.find_modules_that_directly_import(library) & theirs
            assert all(name.startswith("videmo.settings") for name in importers), library


def test_a_file_that_is_no_python_is_named(package):
    (package / "room/helper.py").write_text("def (:\n")
    with pytest.raises(SyntaxError) as error:
        closure_of("videmo.room.one")
    assert error.value.filename == str(package / "room/helper.py")
