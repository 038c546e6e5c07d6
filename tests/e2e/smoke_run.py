"""The commands of the project in a VIDEMO_HOME of their own."""

import os
import subprocess
import sysconfig
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCRIPTS = Path(sysconfig.get_path("scripts"))
SMOKE = ("run", "pipelines/full.py", "--params", "params/smoke.yaml")


@dataclass(frozen=True)
class Home:
    """A VIDEMO_HOME and the commands run with it."""

    path: Path

    def environment(self) -> dict[str, str]:
        path = f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}"
        return {**os.environ, "VIDEMO_HOME": str(self.path), "PATH": path, "MLFLOW_TRACKING_URI": ""}

    def call(self, *command: str, folder: Path = ROOT, seconds: float = 900) -> subprocess.CompletedProcess:
        return subprocess.run(
            command, env=self.environment(), cwd=folder, capture_output=True, text=True, timeout=seconds
        )

    def kfp(self, *arguments: str) -> subprocess.CompletedProcess:
        return self.call("kfp", *arguments)

    def outputs(self) -> set[Path]:
        """The complete outputs in the store."""
        return {path.parent for path in self.path.glob("store/*/*/stage.json") if path.parent.suffix != ".partial"}
