"""What a module depends on: files of the package and libraries, read from the source without importing anything."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from videmo.stages.source_file import Import, Stamp, read_source, remember_sources

PACKAGE = Path(__file__).parents[1]
# The settings' values enter a digest by section; their models would make every stage depend on every setting.
NOT_FOLLOWED = "videmo.settings"


@dataclass(frozen=True)
class Closure:
    """What a module depends on: files of the package with their digests, and the names of everything else imported."""

    code: dict[str, str]  # path relative to the package's parent -> digest
    outside: frozenset[str]  # "torch", "json", ...


def closure_of(module: str, modules: tuple[str, ...] = ()) -> Closure:
    """What `module`, and `modules` that it finds at run time, depend on.

    Followed transitively: imports anywhere in a module, inside functions too, the packages around it, and names of
    modules in strings. `import_module("videmo.data.sources." + name)` counts as every module of that package, unless
    `modules` names some of them: then only those count. A Python file counts by its syntax tree, without docstrings and
    comments. Data files count for the modules of their directory that name them in a string, or for all if none does.
    """
    seen: set[str] = set()
    outside: set[str] = set()
    waiting = [module, *modules]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            named = _named(name, modules)
            waiting.extend(_inside(named))
            outside |= {reference.partition(".")[0] for reference in named} - {PACKAGE.name, ""}
    files = {file for name in seen for file in (_path(name), *_data_of(name))}
    code = {file.relative_to(PACKAGE.parent).as_posix(): _digest(file) for file in sorted(files)}
    remember_sources()
    return Closure(code, frozenset(outside))


def _find(module: str) -> Path | None:
    path = os.path.join(PACKAGE.parent, *module.split("."))  # called thousands of times a plan: no Path
    candidates = (f"{path}.py", os.path.join(path, "__init__.py"))
    return next((Path(candidate) for candidate in candidates if os.path.isfile(candidate)), None)


def _path(module: str) -> Path:
    if (found := _find(module)) is None:
        raise ModuleNotFoundError(f"{module}: no such module in the package")
    return found


def _named(module: str, modules: tuple[str, ...]) -> set[str]:
    """Every name that a module may import; not all of them are modules."""
    path = _path(module)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    source = read_source(path)
    imported = {name for each in source.imports for name in _absolute(each, package)}
    return {package, *imported, *_named_in_strings(source.strings, modules)}


def _inside(named: Iterable[str]) -> set[str]:
    """The names that are modules of this package, and their parent packages."""
    around = {".".join(name.split(".")[:depth]) for name in named for depth in range(1, name.count(".") + 2)}
    return {
        name
        for name in around
        if name.partition(".")[0] == PACKAGE.name
        and not f"{name}.".startswith(f"{NOT_FOLLOWED}.")
        and _find(name) is not None
    }


def _absolute(each: Import, package: str) -> Iterator[str]:
    base = each.name
    if each.level:
        above = package.split(".")[: len(package.split(".")) - each.level + 1]
        base = ".".join([*above, *([each.name] if each.name else [])])
    yield base
    yield from (f"{base}.{name}" for name in each.names)


def _named_in_strings(strings: frozenset[str], modules: tuple[str, ...]) -> Iterator[str]:
    """The modules that a string names; all modules of the package if it ends in a dot, for a name to follow."""
    for text in strings:
        if text.count(".") >= 2 and text.startswith(f"{PACKAGE.name}.") and _is_dotted(text.rstrip(".")):
            if not text.endswith("."):
                yield text
            elif not any(module.startswith(text) for module in modules):
                directory = PACKAGE.parent.joinpath(*text.rstrip(".").split("."))
                yield from (text + path.stem for path in directory.glob("*.py"))
                yield from (text + path.parent.name for path in directory.glob("*/__init__.py"))


def _is_dotted(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _data_of(module: str) -> set[Path]:
    """The data files beside `module` that are its own: those it names, and those that no module beside it names."""
    path = _path(module)
    data = set(_data_files(path.parent))
    if not data:
        return data
    beside = {file: read_source(file).strings for file in path.parent.glob("*.py")}
    return {
        file
        for file in data
        if _names(beside[path], file, path.parent)
        or not any(_names(strings, file, path.parent) for strings in beside.values())
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


def _digest(file: Path) -> str:
    if file.suffix == ".py":
        return read_source(file).tree
    status = file.stat()
    return _content_digest(file, (status.st_mtime_ns, status.st_size))


@cache
def _content_digest(file: Path, stamp: Stamp) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
