"""The pipelines, compiled: held against the table, and against what a cluster expects."""

from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from default_settings import params_with
from google.protobuf import json_format

from videmo.kubeflow.cluster import IMAGE
from videmo.kubeflow.pipeline_file import PipelineFile, load
from videmo.kubeflow.submit import compile_to
from videmo.pipeline.dag import TABLE, plan

ROOT = Path(__file__).parents[2]
FULL = tuple(name for name, stage in TABLE.items() if not stage.optional)


@pytest.fixture(scope="module")
def compiled() -> dict[str, PipelineFile]:
    """Both pipelines, compiled once."""
    return {name: load(ROOT / "pipelines" / f"{name}.py") for name in ("full", "retrain")}


@pytest.fixture
def full(compiled) -> PipelineFile:
    return own_copy(compiled["full"])


@pytest.fixture
def retrain(compiled) -> PipelineFile:
    return own_copy(compiled["retrain"])


def own_copy(pipeline: PipelineFile) -> PipelineFile:
    spec = type(pipeline.spec)()
    spec.CopyFrom(pipeline.spec)
    return replace(pipeline, spec=spec)


def named_tasks(pipeline: PipelineFile) -> dict:
    return {task.task_info.name: task for task in pipeline.tasks()}


def upstream(pipeline: PipelineFile, stage: str) -> set[str]:
    """The stages that a step waits for, through conditions too."""
    names = {}
    waits: dict[str, set[str]] = {}
    for component in (pipeline.spec.root, *pipeline.spec.components.values()):
        for key, task in component.dag.tasks.items():
            names[key] = task.task_info.name
            waits[key] = set(task.dependent_tasks)
    inside = next(
        (key for key in waits for component in [pipeline.spec.components.get(f"comp-{key}")]
         if component and stage in {task.task_info.name for task in component.dag.tasks.values()}), None
    )  # fmt: skip
    keys = [key for key, name in names.items() if name == stage]
    return {names[key] for key in waits[keys[0]] | (waits[inside] if inside else set())}


def test_the_full_pipeline_has_every_stage_of_the_table(full):
    assert full.stages == FULL
    assert set(named_tasks(full)) >= set(FULL)


@pytest.mark.parametrize("stage", [name for name in FULL if not TABLE[name].concludes])
def test_every_step_waits_for_what_the_table_says(full, stage):
    assert upstream(full, stage) >= {*TABLE[stage].inputs, *TABLE[stage].after}
    assert upstream(full, stage) <= {*TABLE[stage].inputs, *TABLE[stage].after}


def test_promotion_stands_inside_the_condition_on_the_gate(full):
    conditions = {
        key: task for component in (full.spec.root, *full.spec.components.values())
        for key, task in component.dag.tasks.items() if task.trigger_policy.condition
    }  # fmt: skip
    assert len(conditions) == 1
    condition = next(iter(conditions.values()))
    assert "gate-Output" in condition.trigger_policy.condition
    inner = full.spec.components[condition.component_ref.name].dag.tasks
    assert [task.task_info.name for task in inner.values()] == ["promotion"]


def test_the_report_is_written_whatever_becomes_of_the_steps(full):
    report = named_tasks(full)["report"]
    assert report.trigger_policy.strategy == report.trigger_policy.ALL_UPSTREAM_TASKS_COMPLETED


def test_every_step_runs_in_the_pinned_image_and_installs_nothing(full):
    for executor in full.spec.deployment_spec["executors"].values():
        assert executor["container"]["image"] == IMAGE
        assert "pip install" not in " ".join(executor["container"]["command"])


def test_the_body_of_a_component_has_at_most_12_lines():
    import ast

    for path in (ROOT / "components").glob("*/component.py"):
        functions = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)]
        assert len(functions) == 1
        docstring, first, *_ = functions[0].body
        assert isinstance(docstring, ast.Expr), path
        assert functions[0].end_lineno - first.lineno + 1 <= 12, path


def test_cache_keys_are_the_digests_and_what_acts_on_the_registry_is_never_reused(full):
    steps = plan(params_with({}))
    full.set_cache_keys(steps, enabled=True)
    tasks = named_tasks(full)
    digests = {step.stage: step.digest for step in steps if step.stage in tasks}
    assert digests.keys() == {stage for stage, row in TABLE.items() if not row.optional}
    assert {stage: tasks[stage].caching_options.cache_key for stage in digests} == digests
    enabled = {name: task.caching_options.enable_cache for name, task in tasks.items()}
    assert enabled["tree_rl"]
    assert not enabled["promotion"]
    assert not enabled["gate"]
    full.set_cache_keys(steps, enabled=False)
    assert not tasks["tree_rl"].caching_options.enable_cache


def test_the_compiled_form_is_valid_and_asks_for_accelerators_and_the_volume(full, tmp_path):
    from kfp.kubernetes import kubernetes_executor_config_pb2 as kubernetes
    from kfp.pipeline_spec import pipeline_spec_pb2

    spec, platform = yaml.safe_load_all(compile_to(full, tmp_path / "full.yaml").read_text())
    json_format.ParseDict(spec, pipeline_spec_pb2.PipelineSpec())
    deployment = json_format.ParseDict(spec["deploymentSpec"], pipeline_spec_pb2.PipelineDeploymentConfig())
    assert deployment.executors["exec-tree-rl"].container.resources.accelerator.resource_type == "nvidia.com/gpu"
    assert not deployment.executors["exec-data-build"].container.resources.HasField("accelerator")
    executors = platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]
    for config in executors.values():
        asked = json_format.ParseDict(config, kubernetes.KubernetesExecutorConfig())
        assert (asked.pvc_mount[0].constant, asked.pvc_mount[0].mount_path) == ("videmo-home", "/videmo")
        secret = asked.secret_as_env[0]
        assert (secret.key_to_env[0].env_var, secret.optional) == ("VIDEMO_ENDPOINT_KEY", True)
    assert len(executors) == len(deployment.executors)
    for executor in deployment.executors.values():
        told = {entry.name: entry.value for entry in executor.container.env}
        assert told["VIDEMO_IMAGE"] == executor.container.image == IMAGE


@pytest.mark.parametrize("name", ["full", "retrain"])
def test_steps_that_train_in_several_processes_ask_for_a_gpu_each_and_the_others_for_what_the_table_says(
    compiled, name, tmp_path
):
    pipeline = own_copy(compiled[name])
    pipeline.set_accelerators(8)
    spec, _ = yaml.safe_load_all(compile_to(pipeline, tmp_path / "full.yaml").read_text())
    asked = {
        label: executor["container"]["resources"].get("accelerator")
        for label, executor in spec["deploymentSpec"]["executors"].items()
    }
    gpus = {label.removeprefix("exec-"): found["resourceCount"] for label, found in asked.items() if found}
    answering = ("face15-answers", *(f"face15-answers-{n}" for n in (2, 3, 4, 5)), "face15-reasoning")
    assert gpus == {"curriculum-sft": "8", "curriculum-sft-2": "8", "curriculum-sft-3": "8", "tree-rl": "8",
                    **dict.fromkeys(answering, "1"), "gate": "1"}  # fmt: skip
    assert asked["exec-tree-rl"]["count"] == "8"
    memory = {label: executor["container"]["resources"]["resourceMemoryRequest"]
              for label, executor in spec["deploymentSpec"]["executors"].items()}  # fmt: skip
    assert memory["exec-gate"] == memory["exec-face15-answers"] == "64G"


def test_retraining_learns_only_where_the_labels_have_moved(retrain):
    assert retrain.stages == tuple(TABLE)
    assert upstream(retrain, "drift") == {"data_build", "data_validation"}
    (key,) = (key for key, task in retrain.spec.components["comp-exit-handler-1"].dag.tasks.items()
              if "drift-Output" in task.trigger_policy.condition)  # fmt: skip
    inside = {task.task_info.name for task in retrain.spec.components[f"comp-{key}"].dag.tasks.values()}
    assert inside >= {"sft_attribute", "tree_rl", "face15_eval", "gate"}


def test_a_local_run_keeps_neither_the_retries_nor_the_paths_of_a_cluster(full):
    assert any(task.HasField("retry_policy") for task in full.tasks())
    full.keep_local()
    assert not any(task.HasField("retry_policy") for task in full.tasks())
    executors = full.spec.deployment_spec["executors"]
    kept = [executors[name]["container"]["env"] for name in sorted(executors)]
    assert all([variable["name"] for variable in env] == ["VIDEMO_STEP"] for env in kept)
    assert {env[0]["value"] for env in kept} == set(full.stages)


def test_a_pipeline_loaded_for_this_machine_has_the_same_steps_and_none_of_a_clusters_settings(full):
    here = load(ROOT / "pipelines" / "full.py", here=True)
    assert {task.task_info.name: list(task.dependent_tasks) for task in here.tasks()} == {
        task.task_info.name: list(task.dependent_tasks) for task in full.tasks()
    }
    assert not here.function.platform_spec.platforms
    assert not any("resources" in executor["container"] for executor in here.spec.deployment_spec["executors"].values())
    assert full.function.platform_spec.platforms
