"""What a stage is: the settings it may see, the digest of what it depends on, and an output that appears whole or not
at all."""

from __future__ import annotations

import hashlib
import json
import math
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from filelock import FileLock

from videmo.settings.model import Params
from videmo.settings.sections import SectionsView
from videmo.stages.closure import import_closure

IMAGE = "videmo:0.1.0"  # the container image of every step; a new one may bring new numbers, so it enters every digest
VERSIONS_OF = ("torch", "transformers", "deepspeed", "numpy", "av")
STAGE_FILE = "stage.json"
PROGRESS_SECONDS = 0.2
STOPPED = "stopped by the user"  # the error of a step that a person ended


@dataclass(frozen=True)
class StageReport:
    """What stage.json of a complete output holds."""

    stage: str
    digest: str
    output: Path
    metrics: dict[str, float]
    seconds: float
    config: dict[str, Any] = field(default_factory=dict)
    inputs: dict[str, str] = field(default_factory=dict)  # stage -> digest
    code: dict[str, str] = field(default_factory=dict)  # file -> digest
    versions: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)  # relative path -> sha256
    sizes: dict[str, int] = field(default_factory=dict)  # relative path -> bytes

    @classmethod
    def read(cls, output: Path) -> StageReport:
        """The report of a complete output. Raises FileNotFoundError where there is none, ValueError where damaged."""
        if not (output / STAGE_FILE).is_file():
            raise FileNotFoundError(f"{output}: not the complete output of a stage, it has no {STAGE_FILE}")
        try:
            stored = json.loads((output / STAGE_FILE).read_text(encoding="utf-8"))
            stored.pop("code_digest")
            return cls(output=output, **stored)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{output / STAGE_FILE}: damaged ({error}); remove {output} to make it again") from error

    def log_to(self, metrics: Any) -> None:
        """Hand the metrics to a step's `Output[Metrics]` of Kubeflow Pipelines."""
        for name, value in self.metrics.items():
            metrics.log_metric(name, value)

    def write_manifest(self, path: str) -> None:
        """Write what passes between steps: where the output lies and the sha256 of its stage.json, never the bytes."""
        manifest = {
            "stage": self.stage,
            "digest": self.digest,
            "uri": self.output.resolve().as_uri(),
            "sha256": file_digest(self.output / STAGE_FILE),
        }
        Path(path).write_text(json.dumps(manifest, indent=1), encoding="utf-8")

    def to_json(self) -> dict[str, Any]:
        stored = {key: value for key, value in asdict(self).items() if key != "output"}
        return {**stored, "code_digest": digest_of(self.code)}


def read_manifest(path: str) -> Path:
    """The output that a manifest names. Raises ValueError where it is gone or is not what the manifest was made of."""
    manifest = json.loads(Path(path).read_text(encoding="utf-8"))
    output = Path(unquote(urlsplit(manifest["uri"]).path))
    if not (output / STAGE_FILE).is_file() or file_digest(output / STAGE_FILE) != manifest["sha256"]:
        raise ValueError(f"{output}: is not the {manifest['stage']} {manifest['digest']} that the step before made")
    return output


def faults(output: Path) -> list[str]:
    """The files of a complete output that are not there any more, or not of the length they had; empty: it is sound.

    Their content is not read: that would take as long as the stages that use it.
    """
    try:
        report = StageReport.read(output)
    except (FileNotFoundError, ValueError):
        return [STAGE_FILE]
    found = {name: (output / name).stat().st_size for name in report.files if (output / name).is_file()}
    return [name for name in report.files if found.get(name) != report.sizes.get(name, found.get(name, -1))]


class Work:
    """A stage at work in `path`, the sibling `<output>.partial` of its output. Not for use by several processes."""

    def __init__(self, output: Path, report: StageReport):
        self.path = partial_of(output)
        self._report = report
        self._started = time.monotonic()
        self._shown = 0.0
        self.finished: StageReport | None = None

    def log(self, step: int, **values: float) -> None:
        """Append a row to metrics.jsonl; what is not finite is written as null."""
        row = {"step": step, **{name: _finite_or_none(value) for name, value in values.items()}}
        with (self.path / "metrics.jsonl").open("a", encoding="utf-8") as rows:
            rows.write(json.dumps(row) + "\n")

    def rewind(self, step: int) -> None:
        """Drop the rows logged after `step`, and a row that a kill cut short."""
        path = self.path / "metrics.jsonl"
        if path.exists():
            kept = [row for row in _whole_rows(path) if row["step"] <= step]
            _replace(path, "".join(json.dumps(row) + "\n" for row in kept))

    def progress(self, done: int, total: int, note: str = "") -> None:
        """Say how far the stage is; cheap, as at most a few calls a second reach the disk."""
        now = time.monotonic()
        if now - self._shown >= PROGRESS_SECONDS or done >= total:
            self._shown = now
            progress_file(self._report.output).write_text(json.dumps({"done": done, "total": total, "note": note}))

    def finish(self, metrics: Mapping[str, float] | None = None) -> StageReport:
        """Seal the output: stage.json, every file on disk, one rename. Raises ValueError on a metric that is nan."""
        report = replace(
            self._report,
            metrics={name: _finite(name, value) for name, value in (metrics or {}).items()},
            seconds=round(time.monotonic() - self._started, 3),
            files={name: file_digest(path) for name, path in _files(self.path)},
            sizes={name: path.stat().st_size for name, path in _files(self.path)},
        )
        (self.path / STAGE_FILE).write_text(json.dumps(report.to_json(), indent=1), encoding="utf-8")
        (self.path / ".digest").unlink()
        progress_file(report.output).unlink(missing_ok=True)
        sync_tree(self.path)
        os.rename(self.path, report.output)
        _sync(report.output.parent)
        self.finished = report
        return report


@contextmanager
def stage_directory(
    output: Path, module: str, params: Params | SectionsView, inputs: Mapping[str, Path]
) -> Iterator[Work]:
    """Open `<output>.partial` for the stage in `module`; `work.finish()` turns it into `output`.

    What a killed run with the same digest left there is kept, so that the stage can resume; anything else is removed.
    A second process asking for the same output waits for the first. Raises FileExistsError where `output` is complete.
    """
    view = params if isinstance(params, SectionsView) else _view_of_all(params, module)
    with stage_lock(output):
        if output.exists():
            raise FileExistsError(f"{output}: is complete already; remove it to run {view.stage} again")
        code = import_closure(module)
        input_digests = {**view.outside, **{name: StageReport.read(path).digest for name, path in inputs.items()}}
        digest = stage_digest(module, view.model_dump(), input_digests)
        report = StageReport(
            view.stage, digest, output, {}, 0.0, view.model_dump(), input_digests, code, _installed_versions()
        )
        _open_partial(partial_of(output), digest)
        progress_file(output).unlink(missing_ok=True)
        work = Work(output, report)
        yield work
        if work.finished is None:
            raise RuntimeError(f"stage {view.stage} ended without work.finish()")


def stage_digest(module: str, sections: Mapping[str, Any], input_digests: Mapping[str, str]) -> str:
    """What a stage depends on and nothing else: its code and package data, config sections, inputs and the image."""
    return digest_of([import_closure(module), sections, input_digests, IMAGE])


def stage_lock(output: Path) -> FileLock:
    """One process at a time per output; may be taken again by the process that holds it."""
    output.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(output.parent / f".{output.name}.lock", is_singleton=True)


def home() -> Path:
    """The root of everything that is written: $VIDEMO_HOME, by default the current directory."""
    return Path(os.environ.get("VIDEMO_HOME") or ".").resolve()


def output_of(stage: str, digest: str) -> Path:
    """Where the store has the output of a stage."""
    return home() / "store" / stage / digest


def partial_of(output: Path) -> Path:
    return output.with_name(output.name + ".partial")


def progress_file(output: Path) -> Path:
    return output.parent / f".{output.name}.progress"


def digest_of(value: Any) -> str:
    """16 hex digits of the canonical JSON of `value`."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def file_digest(path: Path) -> str:
    """sha256 of a file's content."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _open_partial(partial: Path, digest: str) -> None:
    mark = partial / ".digest"
    if partial.exists() and (not mark.exists() or mark.read_text() != digest):
        shutil.rmtree(partial)
    partial.mkdir(exist_ok=True)
    mark.write_text(digest)


def _files(directory: Path) -> list[tuple[str, Path]]:
    files = sorted(path for path in directory.rglob("*") if path.is_file() and path.name != ".digest")
    return [(path.relative_to(directory).as_posix(), path) for path in files]


def _whole_rows(path: Path) -> Iterator[dict[str, Any]]:
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            yield json.loads(line)
        except json.JSONDecodeError:
            return


def _replace(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".new")
    new.write_text(text, encoding="utf-8")
    os.replace(new, path)


def sync_tree(directory: Path) -> None:
    """Return once every file below `directory`, and every list of names, is on the disk."""
    for path in (*directory.rglob("*"), directory):
        _sync(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _finite_or_none(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"the metric {name} is {value}: leave it out where there is nothing to measure")
    return float(value)


def _installed_versions() -> dict[str, str]:
    return {package: installed for package in VERSIONS_OF if (installed := _installed(package))}


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _view_of_all(params: Params, module: str) -> SectionsView:
    return SectionsView(params, tuple(Params.model_fields), stage=module.rpartition(".")[2])
