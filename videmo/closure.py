"""Which files of the package a module depends on, read from the source without importing anything."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parent
# The settings' values enter a digest by section; the model of all settings would make every stage depend on every one.
NOT_FOLLOWED = {"videmo.config"}


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
    named: set[str] = {package} if package else set()
    for node in _runtime_nodes(_parse(source)):
        if isinstance(node, ast.Import):
            named.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, package)
            named.update({base, *(f"{base}.{alias.name}" for alias in node.names)})
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("videmo."):
            named.update(_modules_named(node.value))
    parents = {".".join(name.split(".")[:depth]) for name in named for depth in range(1, name.count(".") + 1)}
    inside = {name for name in named | parents if name.split(".")[0] == PACKAGE.name}
    return {name for name in inside - NOT_FOLLOWED if _source(name) is not None}


def _runtime_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node outside `if TYPE_CHECKING:`."""
    for child in ast.iter_child_nodes(tree):
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            for other in child.orelse:
                yield other
                yield from _runtime_nodes(other)
        else:
            yield child
            yield from _runtime_nodes(child)


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    base = package.split(".")[: len(package.split(".")) - node.level + 1]
    return ".".join([*base, *([node.module] if node.module else [])])


def _modules_named(text: str) -> set[str]:
    if not text.endswith("."):
        return {text} if text.isascii() and text.replace(".", "").isidentifier() else set()
    directory = PACKAGE.parent.joinpath(*text.rstrip(".").split("."))
    return {text + path.stem for path in directory.glob("*.py") if path.stem != "__init__"}


def _data_of(module: str) -> set[Path]:
    """The data files beside `module` that are its own: those it names, and those that no module beside it names."""
    source = _source(module)
    assert source is not None
    beside = {file: _strings(file) for file in source.parent.glob("*.py")}
    return {
        file
        for file in _data_files(source.parent)
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


@cache
def _read(file: Path, stamp: tuple[int, int]) -> tuple[str, bytes]:
    content = file.read_bytes()
    return hashlib.sha256(content).hexdigest(), content if file.suffix == ".py" else b""


def _stamped(file: Path) -> tuple[str, bytes]:
    status = file.stat()
    return _read(file, (status.st_mtime_ns, status.st_size))


def _digest(file: Path) -> str:
    return _stamped(file)[0]


def _parse(file: Path) -> ast.Module:
    return _parsed(_stamped(file)[1])


@cache
def _parsed(content: bytes) -> ast.Module:
    return ast.parse(content)


def _strings(file: Path) -> frozenset[str]:
    return _strings_in(_stamped(file)[1])


@cache
def _strings_in(content: bytes) -> frozenset[str]:
    nodes = ast.walk(_parsed(content))
    return frozenset(node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str))
