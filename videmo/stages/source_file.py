"""What one Python file means to a digest: its syntax tree, what it imports, the strings that may name something."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from videmo.stages.remembered import Remembered

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
LONGEST_NAME = 200  # characters: a longer string names no module and no file
Stamp = tuple[int, int]  # time of the last change in ns, and size; what is known of a file holds until they change


@dataclass(frozen=True)
class Import:
    """`import name`, or `from name import names` with `level` dots before the name."""

    name: str
    names: tuple[str, ...] = ()
    level: int = 0


@dataclass(frozen=True)
class SourceFile:
    """A parsed file. `tree` is a digest that docstrings, comments and formatting do not change."""

    tree: str
    imports: tuple[Import, ...]
    strings: frozenset[str]


def read_source(path: Path) -> SourceFile:
    """The file as it is now; each content is parsed once, since the result is cached below the store."""
    status = path.stat()
    return _read(path, (status.st_mtime_ns, status.st_size))


def remember_sources() -> None:
    """Save what was parsed for the next process."""
    _parsed().save()


def parse(content: bytes, path: Path | None = None) -> SourceFile:
    """Raises SyntaxError naming `path` if the content is not valid Python."""
    module = ast.parse(content, filename=str(path or "<source>"))
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and _documented(node):
            node.body = node.body[1:]
    constants = (node.value for node in ast.walk(module) if isinstance(node, ast.Constant))
    strings = {value for value in constants if isinstance(value, str) and value and len(value) <= LONGEST_NAME}
    return SourceFile(
        hashlib.sha256(ast.dump(module).encode("utf-8", "surrogatepass")).hexdigest(),
        tuple(_imports(module)),
        frozenset(text for text in strings if not any(character.isspace() for character in text)),
    )


def _documented(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    first = node.body[0] if node.body else None
    return isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)


def _imports(module: ast.Module) -> Iterator[Import]:
    for node in _statements(module):
        if isinstance(node, ast.Import):
            yield from (Import(alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield Import(node.module or "", tuple(alias.name for alias in node.names), node.level)


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """Every statement below `node` outside `if TYPE_CHECKING:`. Expressions hold no imports and are not entered."""
    for block in ("body", "orelse", "finalbody", "handlers", "cases"):
        if block == "body" and isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        for child in getattr(node, block, ()):
            yield child
            yield from _statements(child)


@cache
def _read(path: Path, stamp: Stamp) -> SourceFile:
    content = path.read_bytes()
    key = f"{PYTHON} {hashlib.sha256(content).hexdigest()}"
    known = _parsed().get(key)
    if known is None:
        found = parse(content, path)
        listed = [[each.name, each.names, each.level] for each in found.imports]
        _parsed().add(key, json.dumps([found.tree, listed, sorted(found.strings)]))
        return found
    tree, imports, strings = json.loads(known)
    return SourceFile(
        tree, tuple(Import(name, tuple(names), level) for name, names, level in imports), frozenset(strings)
    )


def _parsed() -> Remembered:
    return Remembered.of("sources")
