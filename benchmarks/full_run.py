"""How long the default pipeline takes, cold and cached, its peak memory, and what it reaches.

python -m benchmarks.full_run [options of kfp run]

Runs `kfp run pipelines/full.py` in an empty home, where the store, the runs and the registry start with nothing, then
three times more, of which the one in the middle counts. The last line is JSON: seconds_cold, seconds_cached, peak_gb,
mean15.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

ROOT = Path(__file__).parent.parent
SAMPLE_SECONDS = 2.0  # a look takes up to a tenth of a second of a core


@dataclass(frozen=True)
class Run:
    seconds: float
    peak_gb: float  # proportional set size of all processes of the run together: shared pages count once


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="videmo-full-run-") as home:
        cold = timed_run(Path(home), sys.argv[1:])
        latest = Path(home) / "runs" / "latest"
        metrics = json.loads((latest / "metrics.json").read_text(encoding="utf-8"))
        report = (latest / "report.html").stat().st_size
        again = [timed_run(Path(home), sys.argv[1:]) for _ in range(3)]
        cached = sorted(again, key=lambda run: run.seconds)[1]
    show(cold, cached, metrics, report)


def timed_run(home: Path, options: list[str]) -> Run:
    """One run of the pipeline. Raises SystemExit if it fails."""
    command = [str(Path(sys.executable).parent / "kfp"), "run", "pipelines/full.py", *options]
    started, peak = time.monotonic(), 0
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "VIDEMO_HOME": str(home)})
    while True:
        peak = max(peak, resident(process.pid))
        with suppress(subprocess.TimeoutExpired):
            process.wait(SAMPLE_SECONDS)
            break
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return Run(time.monotonic() - started, peak / 1e9)


def resident(pid: int) -> int:
    """Bytes of memory that a process and its descendants hold for themselves."""
    total = 0
    try:
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return 0
    for process in family:
        try:
            total += process.memory_full_info().pss
        except (psutil.NoSuchProcess, psutil.ZombieProcess):
            continue  # it ended between the listing and the look
    return total


def show(cold: Run, cached: Run, metrics: dict, report: int) -> None:
    print(f"\n{'step':<16}{'seconds':>9}")
    for step, seconds in metrics["seconds"].items():
        print(f"{step:<16}{seconds:>9.1f}")
    print(f"\n{'model':<16}{'mean15':>8}{'attribute':>11}{'expression':>12}{'understanding':>15}")
    for model, mean in metrics["mean15"].items():
        tables = metrics["tables"][model]
        print(
            f"{model:<16}{mean:>8.1f}"
            + "".join(f"{tables[t]:>{w}.1f}" for t, w in zip(tables, (11, 12, 15), strict=True))
        )
    print(
        f"\ncold {cold.seconds:.0f} s, cached {cached.seconds:.1f} s, peak {cold.peak_gb:.2f} GB, report {report} bytes"
    )
    figures = {
        "seconds_cold": round(cold.seconds, 1),
        "seconds_cached": round(cached.seconds, 1),
        "peak_gb": round(cold.peak_gb, 2),
        "mean15": {model: round(mean, 2) for model, mean in metrics["mean15"].items()},
    }
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
