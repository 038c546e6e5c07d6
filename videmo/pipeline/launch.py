"""A training stage in several processes on this machine, started by torchrun."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

from videmo.pipeline.dag import Stage
from videmo.settings import sections
from videmo.settings.params import Params, check_params
from videmo.stages.report import StageReport


def torchrun(processes: int, job: Path) -> list[str]:
    """The command that runs the stage described in `job` in `processes` processes on this machine."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [*launcher, "--module", "videmo.pipeline.launch", str(job)]


def run_in_processes(stage: Stage, params: Params, inputs: Mapping[str, Path], output: Path) -> StageReport:
    """Run a stage in execution.processes processes.

    Raises ValueError if there are GPUs but too few, RuntimeError with the message of the first process that failed.
    """
    check_gpus(params.execution.processes)
    with tempfile.TemporaryDirectory() as folder:
        job = Path(folder) / "job.json"
        write_job(job, stage, params, inputs, output)
        ended = subprocess.run(torchrun(params.execution.processes, job), check=False)
        if ended.returncode:
            errors = sorted(Path(folder).glob("error-*"))
            said = errors[0].read_text(encoding="utf-8") if errors else f"torchrun ended with {ended.returncode}"
            raise RuntimeError(said)
    return StageReport.read(output)


def check_gpus(processes: int) -> None:
    """Raise ValueError if this machine has GPUs, but not one for each process."""
    import torch

    found = torch.cuda.device_count()
    if 0 < found < processes:
        raise ValueError(
            f"execution.processes = {processes}: this machine has {found} GPU{'s' if found > 1 else ''} and each "
            f"process takes one; use at most {found}"
        )


def write_job(job: Path, stage: Stage, params: Params, inputs: Mapping[str, Path], output: Path) -> None:
    described = {
        "stage": {"name": stage.name, "module": stage.module, "arguments": dict(stage.arguments)},
        "settings": stage.settings.__name__,
        "params": params.model_dump(mode="json"),
        "inputs": {name: str(path) for name, path in inputs.items()},
        "output": str(output),
    }
    job.parent.mkdir(parents=True, exist_ok=True)
    job.write_text(json.dumps(described, indent=1), encoding="utf-8")


def work_on(job: Path) -> None:
    """One of the processes that torchrun started."""
    described = json.loads(job.read_text(encoding="utf-8"))
    stage = Stage(**described["stage"], settings=getattr(sections, described["settings"]))
    settings = stage.settings_of(check_params(described["params"]))
    inputs = {name: Path(path) for name, path in described["inputs"].items()}
    try:
        import_module(stage.module).run(settings, inputs, Path(described["output"]), **stage.arguments)
    except Exception as error:
        job.with_name(f"error-{os.environ['RANK']}").write_text(f"{type(error).__name__}: {error}", encoding="utf-8")
        raise


if __name__ == "__main__":
    work_on(Path(sys.argv[1]))
