"""What stage.json of a complete output says, and the manifest that leads to an output."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from videmo.stages.content import digest_of, file_digest

STAGE_FILE = "stage.json"
DAMAGED = ".damaged"  # marks an output that has to be made again; holds the names of its damaged files
STOPPED = "stopped by the user"  # the error of a step that the user stopped


class Metrics(Protocol):
    """A step's `Output[Metrics]` of Kubeflow Pipelines."""

    def log_metric(self, metric: str, value: float) -> None: ...


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
    execution: dict[str, object] = field(default_factory=dict)  # how it was run, which is not in the digest

    @classmethod
    def read(cls, output: Path) -> StageReport:
        """The report of a complete output. Raises FileNotFoundError if there is none, ValueError if damaged."""
        if not (output / STAGE_FILE).is_file():
            raise FileNotFoundError(f"{output}: not the complete output of a stage, it has no {STAGE_FILE}")
        try:
            stored = json.loads((output / STAGE_FILE).read_text(encoding="utf-8"))
            digest = stored.pop("sha256")
            if digest != digest_of(stored):
                raise ValueError("its content is not what was written")
            stored.pop("code_digest")
            return cls(output=output, **stored)
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{output / STAGE_FILE}: damaged ({error}); remove {output} to make it again") from error

    def log_to(self, metrics: Metrics) -> None:
        """Hand the metrics to a step."""
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

    def to_json(self) -> dict[str, object]:
        stored = {key: value for key, value in asdict(self).items() if key != "output"}
        stored["code_digest"] = digest_of(self.code)
        return {**stored, "sha256": digest_of(stored)}

    def text(self) -> str:
        """What stage.json holds, to the byte."""
        return json.dumps(self.to_json(), indent=1)


def read_manifest(path: str) -> Path:
    """The output that a manifest names. Raises ValueError if it is gone or is not what the manifest was made of."""
    manifest = json.loads(Path(path).read_text(encoding="utf-8"))
    output = Path(unquote(urlsplit(manifest["uri"]).path))
    if not (output / STAGE_FILE).is_file() or file_digest(output / STAGE_FILE) != manifest["sha256"]:
        raise ValueError(f"{output}: is not the {manifest['stage']} {manifest['digest']} that the step before made")
    return output


def faults(output: Path) -> list[str]:
    """The files of a complete output that are missing, have changed in length, or are marked as damaged. Their content
    is not read: that would take as long as the stages that use it.
    """
    if (output / DAMAGED).is_file():
        return (output / DAMAGED).read_text(encoding="utf-8").splitlines()
    try:
        report = StageReport.read(output)
    except (FileNotFoundError, ValueError):
        return [STAGE_FILE]
    found = {name: (output / name).stat().st_size for name in report.files if (output / name).is_file()}
    return [name for name in report.files if found.get(name) != report.sizes.get(name, found.get(name, -1))]
