"""The digest of a stage: what its output depends on and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from videmo.stages.closure import closure_of
from videmo.stages.content import digest_of
from videmo.stages.libraries import public, versions_of


@dataclass(frozen=True)
class Code:
    """The code behind a module: its files and those it depends on, and the versions of the libraries they import."""

    files: dict[str, str]  # path -> digest
    versions: dict[str, str]  # distribution -> version, and Python's minor version

    @property
    def digest(self) -> str:
        return digest_of([self.files, public(self.versions)])


_READ: ContextVar[dict[tuple[str, tuple[str, ...]], Code] | None] = ContextVar("read", default=None)


@contextmanager
def code_read_once() -> Iterator[None]:
    """Read the code of each module once until the block ends: a run asks for it at every step."""
    token = _READ.set({})
    try:
        yield
    finally:
        _READ.reset(token)


def code_of(module: str, modules: tuple[str, ...] = ()) -> Code:
    """The code of `module`, with `modules` that it finds at run time."""
    read = _READ.get()
    if read is None:
        return _read_code(module, modules)
    if (module, modules) not in read:
        read[module, modules] = _read_code(module, modules)
    return read[module, modules]


def _read_code(module: str, modules: tuple[str, ...]) -> Code:
    closure = closure_of(module, modules)
    return Code(closure.code, versions_of(closure.outside))


def stage_digest(code: Code, sections: Mapping[str, object], input_digests: Mapping[str, str]) -> str:
    """16 hex digits over the code, the settings by section, and the digests of the inputs."""
    return digest_of([code.files, public(code.versions), sections, input_digests])
