"""Which files of the package a module depends on, read from the source without importing anything."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
Stamp = tuple[int, int]  # time of the last change in ns, size: what is remembered of a file holds as long as its stamp
# The values of the settings enter a digest by section; what they may be would make every stage depend on every section.
NOT_FOLLOWED = "videmo.settings"


def import_closure(module: str) -> dict[str, str]:
    """Digest of every file that `module` depends on inside the package, by path relative to the package's parent.

    Followed transitively: imports anywhere in a module, inside functions too, the packages around it, and names of
    modules in strings (`import_module("videmo.data.sources." + name)` counts as the whole package of sources). Data
    files count for the modules of their directory that name them in a string, or for all of them if none does.
    """
    seen: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(_references(name))
    files = {file for name in seen for file in (_source(name), *_data_of(name)) if file is not None}
    return {file.relative_to(PACKAGE.parent).as_posix(): _digest(file) for file in sorted(files)}


def _source(module: str) -> Path | None:
    path = PACKAGE.parent.joinpath(*module.split("."))
    candidates = (path.with_name(path.name + ".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.is_file()), None)


def _references(module: str) -> set[str]:
    source = _source(module)
    if source is None:
        raise ModuleNotFoundError(f"{module}: no such module in the package")
    package = module if source.name == "__init__.py" else module.rpartition(".")[0]
    named = {package, *_imported(source, _stamp(source), package), *_named_in_strings(source)}
    parents = {".".join(name.split(".")[:depth]) for name in named for depth in range(1, name.count(".") + 1)}
    inside = {name for name in named | parents if name.split(".")[0] == PACKAGE.name}
    return {name for name in inside if not name.startswith(NOT_FOLLOWED) and _source(name) is not None}


@cache
def _imported(source: Path, stamp: Stamp, package: str) -> frozenset[str]:
    named: set[str] = set()
    for node in _statements(_parse(source, stamp)):
        if isinstance(node, ast.Import):
            named.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            named.update({base, *(f"{base}.{alias.name}" for alias in node.names)})
    return frozenset(named)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below `node` outside `if TYPE_CHECKING:`. Expressions hold no imports and are not entered."""
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        if block == "body" and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        for child in getattr(node, block, ()):
            yield child
            yield from _statements(child)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    base = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _named_in_strings(source: Path) -> Iterator[str]:
    """Modules of a room that a string names, or all of them where it ends in a dot for a name to follow."""
    if not re.search(rf"[\"']{PACKAGE.name}\.", source.read_text(encoding="utf-8")):
        return  # parsing for strings takes a hundred times as long
    for text in _strings(source, _stamp(source)):
        if (
            text.count(".") >= 2
            and text.startswith(f"{PACKAGE.name}.")
            and text.rstrip(".").replace(".", "").isidentifier()
        ):
            directory = PACKAGE.parent.joinpath(*text.rstrip(".").split("."))
            yield from (text + path.stem for path in directory.glob("*.py")) if text.endswith(".") else (text,)


def _data_of(module: str) -> set[Path]:
    """The data files beside `module` that are its own: those it names, and those that no module beside it names."""
    source = _source(module)
    assert source is not None
    data = set(_data_files(source.parent))
    if not data:
        return data
    beside = {file: _strings(file, _stamp(file)) for file in source.parent.glob("*.py")}
    return {
        file
        for file in data
        if _names(beside[source], file, source.parent)
        or not any(_names(strings, file, source.parent) for strings in beside.values())
    }


def _data_files(directory: Path) -> Iterator[Path]:
    for path in directory.iterdir():
        if path.is_dir() and not (path / "__init__.py").exists() and path.name != "__pycache__":
            yield from (file for file in path.rglob("*") if file.is_file() and file.suffix != ".pyc")
        elif path.is_file() and path.suffix not in {".py", ".pyc", ".md"}:
            yield path


def _names(strings: frozenset[str], file: Path, directory: Path) -> bool:
    parts = file.relative_to(directory).parts
    return any(part in text.split("/") for part in parts for text in strings)


def _stamp(file: Path) -> Stamp:
    status = file.stat()
    return status.st_mtime_ns, status.st_size


def _digest(file: Path) -> str:
    return _content_digest(file, _stamp(file))


@cache
def _content_digest(file: Path, stamp: Stamp) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


@cache
def _parse(file: Path, stamp: Stamp) -> ast.Module:
    return ast.parse(file.read_bytes())


@cache
def _strings(file: Path, stamp: Stamp) -> frozenset[str]:
    nodes = ast.walk(_parse(file, stamp))
    return frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
