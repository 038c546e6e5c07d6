"""A file with a pipeline of Kubeflow Pipelines: checked, loaded, and fitted to where it is going to run."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from traceback import extract_tb
from typing import TYPE_CHECKING

from videmo.kubeflow.placement import for_this_machine
from videmo.settings.errors import SettingError
from videmo.stages.content import digest_of

if TYPE_CHECKING:
    from kfp.client import Client
    from kfp.dsl.graph_component import GraphComponent
    from kfp.pipeline_spec.pipeline_spec_pb2 import PipelineSpec, PipelineTaskSpec

    from videmo.pipeline.dag import PlannedStep
    from videmo.settings.params import Params

RUNTIME = "_KFP_RUNTIME"
STEP = "VIDEMO_STEP"  # the variable that tells whoever runs a step's command which step it is


@dataclass(frozen=True)
class PipelineFile:
    """A loaded pipeline. `function` runs it when called, once kfp.local is set up; `spec` is its compiled form."""

    path: Path
    function: GraphComponent
    spec: PipelineSpec
    stages: tuple[str, ...]  # of the table, in the order of the table

    def arguments(self, params: Params, run_name: str, fresh: bool) -> dict[str, object]:
        """The arguments of the pipeline: `params` and `run`, if it takes them."""
        offered = {
            "params": params.model_dump(mode="json", exclude_none=True),
            "run": {"name": run_name, "fresh": fresh},
        }
        return {name: value for name, value in offered.items() if name in self.spec.root.input_definitions.parameters}

    def tasks(self) -> Iterator[PipelineTaskSpec]:
        """Every task of the compiled pipeline, those inside conditions and exit handlers too."""
        for component in (self.spec.root, *self.spec.components.values()):
            yield from component.dag.tasks.values()

    @property
    def digest(self) -> str:
        """Of the pipeline as compiled, with the source of its components."""
        return digest_of(self.spec.SerializeToString(deterministic=True).hex())

    def has_other_steps(self) -> bool:
        """Whether there are steps that are not in the table, of which nobody knows what they depend on."""
        steps = [task for task in self.tasks() if self.spec.components[task.component_ref.name].executor_label]
        return len(steps) != len(self.stages)

    def set_cache_keys(self, plan: list[PlannedStep], enabled: bool) -> None:
        """Make the stage digests the cache keys, so that a server reuses a step exactly when the store would."""
        from videmo.pipeline.dag import TABLE

        digests = {step.stage: step.digest for step in plan}
        for task in self.tasks():
            stage = task.task_info.name
            if stage in digests:
                task.caching_options.enable_cache = enabled and TABLE[stage].reusable
                task.caching_options.cache_key = digests[stage]

    def set_accelerators(self, processes: int) -> None:
        """Ask for a GPU for each process of the steps that train in several."""
        from videmo.pipeline.dag import TABLE

        for task in self.tasks():
            stage = TABLE.get(task.task_info.name)
            if stage and stage.distributed:
                label = self.spec.components[task.component_ref.name].executor_label
                accelerator = self.spec.deployment_spec["executors"][label]["container"]["resources"]["accelerator"]
                accelerator.update({"count": str(processes), "resourceCount": str(processes)})

    def keep_local(self) -> None:
        """Drop what is meant for a cluster: its volume's path, and retries, as a stage that fails here fails again.

        A step keeps one variable, its own name.
        """
        for task in self.tasks():
            task.ClearField("retry_policy")
            component = self.spec.components[task.component_ref.name]
            if component.executor_label:
                container = self.spec.deployment_spec["executors"][component.executor_label]["container"]
                container["env"] = [{"name": STEP, "value": task.task_info.name}]


def check_path(path: Path) -> None:
    """Raise SettingError if `path` is not a Python file."""
    if path.is_file() and path.suffix == ".py":
        return
    if path.exists():
        raise SettingError(f"{path}: a pipeline is a Python file, such as pipelines/full.py")
    folder = path.parent if path.parent.is_dir() else Path(".")
    close = get_close_matches(path.name, [file.name for file in folder.glob("*.py")], n=1)
    raise SettingError(f"{path}: no such file" + (f"; did you mean {folder / close[0]}?" if close else ""))


def import_kfp() -> None:
    """Import kfp without its client, which imports those of several clouds and takes most of a second. The variable is
    kfp's own, for the containers of steps. `kfp.Client` is imported when it is first used.
    """
    before = os.environ.get(RUNTIME)
    os.environ[RUNTIME] = "true"
    import kfp

    if before is None:
        del os.environ[RUNTIME]
    from kfp import components, dsl  # noqa: F401  what `import kfp` brings

    def __getattr__(name: str) -> type[Client]:
        if name != "Client":
            raise AttributeError(f"module 'kfp' has no attribute {name!r}")
        from kfp.client import Client

        return Client

    vars(kfp).setdefault("__getattr__", __getattr__)


def load(path: Path, here: bool = False) -> PipelineFile:
    """Import the file and find its one pipeline. Raises SettingError if that cannot be."""
    import_kfp()
    from kfp.dsl.graph_component import GraphComponent

    from videmo.pipeline.dag import TABLE

    module_spec = importlib.util.spec_from_file_location(path.stem, path.resolve())
    assert module_spec is not None
    assert module_spec.loader is not None
    module = importlib.util.module_from_spec(module_spec)
    sys.modules[path.stem] = module
    try:
        with for_this_machine() if here else nullcontext():
            module_spec.loader.exec_module(module)
    except Exception as error:  # whatever the user's file does
        lines = [frame.lineno for frame in extract_tb(error.__traceback__) if frame.filename == str(path.resolve())]
        where = f" in line {lines[-1]}" if lines else ""
        raise SettingError(f"{path}: cannot be loaded: {type(error).__name__}{where}: {error}") from error
    pipelines = [value for value in vars(module).values() if isinstance(value, GraphComponent)]
    if len(pipelines) != 1:
        found = "no pipeline" if not pipelines else f"{len(pipelines)} pipelines"
        raise SettingError(f"{path}: has {found}; it needs one function with @dsl.pipeline")
    spec = pipelines[0].pipeline_spec
    loaded = PipelineFile(path, pipelines[0], spec, ())
    named = {task.task_info.name for task in loaded.tasks()}
    return PipelineFile(path, pipelines[0], spec, tuple(stage for stage in TABLE if stage in named))
