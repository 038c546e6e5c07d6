"""Which files a module depends on, however it imports them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from videmo.stages import closure
from videmo.stages.closure import closure_of

FILES = (
    "__init__.py", "room/__init__.py", "room/helper.py", "room/deep/__init__.py", "room/deep/inner.py",
    "other/__init__.py", "other/thing.py",
)  # fmt: skip


@pytest.fixture
def dependencies(tmp_path, monkeypatch) -> Callable[[str, str], set[str]]:
    """The files that a module of this source depends on, in a package named videmo and relative to it."""
    root = tmp_path / "videmo"
    for name in FILES:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("")
    monkeypatch.setattr(closure, "PACKAGE", root)

    def of(source: str, module: str = "videmo.room.one") -> set[str]:
        path = root.parent.joinpath(*module.split(".")).with_suffix(".py")
        path = path if path.parent.exists() else path.parent
        path.write_text(source)
        return {Path(file).relative_to("videmo").as_posix() for file in closure_of(module).code}

    return of


@pytest.mark.parametrize(
    "source",
    [
        "import videmo.room.helper",
        "import json, videmo.room.helper as h",
        "from videmo.room import helper",
        "from videmo.room.helper import X",
        "from . import helper",
        "from .helper import X",
        "from ..room import helper",
        "from ..room.helper import X",
        "def run():\n    from . import helper",
        "class A:\n    async def run(self):\n        import videmo.room.helper",
        "if A:\n    pass\nelif B:\n    from . import helper",
        "if A:\n    pass\nelse:\n    from . import helper",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    pass\nelse:\n    from . import helper",
        "try:\n    from . import helper\nexcept ImportError:\n    pass",
        "try:\n    import json\nexcept ImportError:\n    from . import helper",
        "try:\n    import json\nexcept ImportError:\n    pass\nelse:\n    from . import helper",
        "try:\n    import json\nfinally:\n    from . import helper",
        "for a in b:\n    from . import helper",
        "while a:\n    pass\nelse:\n    from . import helper",
        "with a:\n    from . import helper",
        "match a:\n    case 1:\n        from . import helper",
    ],
)
def test_an_import_is_followed_wherever_and_however_it_is_written(dependencies, source):
    assert dependencies(source) == {"__init__.py", "room/__init__.py", "room/one.py", "room/helper.py"}


def test_what_is_imported_for_types_alone_or_is_no_module_is_not_followed(dependencies):
    source = "import typing\nif typing.TYPE_CHECKING:\n    from . import helper\nimport videmo.nothing\n"
    assert dependencies(source) == {"__init__.py", "room/__init__.py", "room/one.py"}


def test_the_packages_around_an_imported_module_belong_to_it(dependencies):
    assert dependencies("import videmo.room.deep.inner", "videmo.other.thing") == {
        "__init__.py", "other/__init__.py", "other/thing.py",
        "room/__init__.py", "room/deep/__init__.py", "room/deep/inner.py",
    }  # fmt: skip


def test_a_package_imports_relative_to_itself_and_its_modules_relative_to_it(dependencies):
    (closure.PACKAGE / "room/deep/__init__.py").write_text("from .inner import X\nfrom ..helper import Y\n")
    assert {"room/deep/inner.py", "room/helper.py"} <= dependencies("from .deep import X")


def test_imports_are_followed_from_module_to_module_and_round_in_circles(dependencies):
    (closure.PACKAGE / "room/helper.py").write_text("from videmo.other import thing")
    (closure.PACKAGE / "other/thing.py").write_text("import videmo.room.one")
    assert {"room/helper.py", "other/thing.py", "other/__init__.py"} <= dependencies("from . import helper")


def test_data_enter_from_folders_in_folders_and_compiled_leftovers_do_not(dependencies):
    for name in ("weights/deep/model.bin", "__pycache__/one.nbi", "weights/stale.pyc", "notes.md"):
        (closure.PACKAGE / "room" / name).parent.mkdir(parents=True, exist_ok=True)
        (closure.PACKAGE / "room" / name).write_text("x")
    assert dependencies("") - {"__init__.py", "room/__init__.py", "room/one.py"} == {"room/weights/deep/model.bin"}


def test_a_string_counts_where_it_names_a_module_of_a_room_and_nowhere_else(dependencies):
    own = {"__init__.py", "room/__init__.py", "room/one.py"}
    assert dependencies("A = 'videmo.other.thing'") == own | {"other/__init__.py", "other/thing.py"}
    assert dependencies("A = 'videmo.room.deep.inner'") == own | {"room/deep/__init__.py", "room/deep/inner.py"}
    assert dependencies("A = 'videmo.other.'") == own | {"other/__init__.py", "other/thing.py"}
    for text in ("videmo.other", "videmo.", "see videmo.other.thing", "other.thing", "videmo.other/thing"):
        assert dependencies(f"A = {text!r}") == own


def test_settings_are_not_followed_and_a_room_whose_name_begins_like_theirs_is(dependencies):
    for name in ("settings/__init__.py", "settings/model.py", "settings_of_old.py"):
        (closure.PACKAGE / name).parent.mkdir(exist_ok=True)
        (closure.PACKAGE / name).write_text("")
    found = dependencies("import videmo.settings.model\nimport videmo.settings_of_old")
    assert found == {"__init__.py", "room/__init__.py", "room/one.py", "settings_of_old.py"}
