"""The manifests as they would be applied: rendered by kustomize, held against Kubernetes' schemas and the code."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from videmo.kubeflow.cluster import IMAGE
from videmo.kubeflow.placement import ACCELERATOR, MOUNTED_AT, VOLUME
from videmo.pipeline.dag import TABLE

ROOT = Path(__file__).parents[2]
KUBERNETES = ROOT / "infra" / "kubernetes"
OVERLAYS = ("laptop-kind", "gpu")
KUBERNETES_VERSION = "1.31"
OWN_KINDS = {"ResourceFlavor", "ClusterQueue", "LocalQueue"}  # of Kueue: Kubernetes has no schema for them
SECRET_NAME = re.compile(r"PASSWORD|SECRET|TOKEN|ACCESS_KEY")


def documents(text):
    return [document for document in yaml.safe_load_all(text) if document]


@pytest.fixture(scope="module", params=OVERLAYS)
def rendered(request):
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: overlays cannot be rendered")
    command = ["kubectl", "kustomize", str(KUBERNETES / "overlays" / request.param)]
    return documents(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.fixture(scope="module")
def written():
    """Every manifest of the base and the overlays as it stands in its file."""
    files = [path for folder in ("base", "overlays") for path in (KUBERNETES / folder).rglob("*.yaml")]
    return [document for path in sorted(files) for document in documents(path.read_text(encoding="utf-8"))]


def pod_specs(manifests):
    return [m["spec"]["template"]["spec"] for m in manifests if m["kind"] in {"Deployment", "StatefulSet", "Job"}]


def containers(manifests):
    return [container for spec in pod_specs(manifests) for container in spec["containers"]]


def named(manifests, kind, name):
    found = [m for m in manifests if m["kind"] == kind and m["metadata"]["name"] == name]
    assert len(found) == 1, f"{kind} {name}: {len(found)} of them"
    return found[0]


def cpus(quantity):
    return float(str(quantity))


def gibibytes(quantity):
    number, unit = re.fullmatch(r"(\d+)(G|Gi)", str(quantity)).groups()
    return int(number) * (1e9 if unit == "G" else 2**30) / 2**30


def test_every_manifest_names_what_it_is(written):
    assert written
    for manifest in written:
        assert manifest["apiVersion"]
        assert manifest["kind"]


def test_kubernetes_own_kinds_hold_against_its_schemas_with_no_unknown_field(rendered):
    from kubernetes_validate import validate

    checked = [m for m in rendered if m["kind"] not in OWN_KINDS]
    assert len(checked) > 8
    for manifest in checked:
        validate(manifest, KUBERNETES_VERSION, strict=True)


def test_a_misspelt_field_would_be_found(rendered):
    from kubernetes_validate import ValidationError, validate

    claim = named(rendered, "PersistentVolumeClaim", VOLUME)
    with pytest.raises(ValidationError):
        validate({**claim, "spec": {**claim["spec"], "accessMode": ["ReadWriteMany"]}}, KUBERNETES_VERSION, strict=True)


def test_no_container_runs_as_root_or_can_gain_privileges(rendered):
    for spec in pod_specs(rendered):
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["automountServiceAccountToken"] is False
    for container in containers(rendered):
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert container["securityContext"]["readOnlyRootFilesystem"] is True


def test_every_container_says_what_it_needs_and_how_it_is_known_to_live(rendered):
    assert len(containers(rendered)) == 2
    for container in containers(rendered):
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert "memory" in container["resources"]["limits"]
        assert container["readinessProbe"]
        assert container["livenessProbe"]


def test_no_secret_is_written_down(written, rendered):
    for manifest in written + rendered:
        assert manifest["kind"] != "Secret"
    for container in containers(rendered):
        for variable in container.get("env", ()):
            if SECRET_NAME.search(variable["name"]):
                assert "secretKeyRef" in variable["valueFrom"], variable["name"]


def test_the_example_of_secrets_holds_placeholders_for_exactly_what_is_asked_for(written):
    example = documents((KUBERNETES / "secrets.example.yaml").read_text(encoding="utf-8"))
    held = {(secret["metadata"]["name"], key) for secret in example for key in secret["stringData"]}
    assert {value for secret in example for value in secret["stringData"].values()} == {"replace-me"}
    references = [v["valueFrom"]["secretKeyRef"] for c in containers(written) for v in c["env"] if v.get("valueFrom")]
    assert {(reference["name"], reference["key"]) for reference in references} == held


def test_images_are_pinned_and_the_projects_own_is_the_one_of_the_steps(rendered):
    images = {container["image"] for container in containers(rendered)}
    assert IMAGE in images
    for image in images:
        assert re.fullmatch(r"[a-z/.]+:\d+\.\d+(\.\d+)?(-\w+)?", image), image
    assert f"--tag {IMAGE} " in (ROOT / "infra" / "images" / "Dockerfile").read_text(encoding="utf-8")


def test_the_image_is_built_on_a_pinned_python_and_does_not_run_as_root():
    dockerfile = (ROOT / "infra" / "images" / "Dockerfile").read_text(encoding="utf-8")
    bases = re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE)
    assert {re.fullmatch(r"python:3\.11\.\d+-slim-\w+", base) is not None for base in bases} == {True}
    assert re.findall(r"^USER (\S+)", dockerfile, re.MULTILINE) == ["10001:10001"]
    assert f"HF_HOME={MOUNTED_AT}/" in dockerfile
    assert "HF_HUB_OFFLINE=1" in dockerfile


def test_the_volume_of_the_steps_is_there(rendered):
    assert named(rendered, "PersistentVolumeClaim", VOLUME)


def test_steps_find_the_tracking_server_under_the_address_they_are_told(rendered):
    address = named(rendered, "ConfigMap", "videmo")["data"]["MLFLOW_TRACKING_URI"]
    service = named(rendered, "Service", "mlflow")
    assert address == f"http://{service['metadata']['name']}:{service['spec']['ports'][0]['port']}"
    server = next(c for c in containers(rendered) if c["name"] == "mlflow")
    allowed = next(v["value"] for v in server["env"] if v["name"] == "MLFLOW_SERVER_ALLOWED_HOSTS")
    assert address.removeprefix("http://") in allowed.split(",")


def test_services_and_network_policies_select_pods_that_exist(rendered):
    labels = {
        m["metadata"]["name"]: m["spec"]["template"]["metadata"]["labels"]
        for m in rendered
        if m["kind"] in {"Deployment", "StatefulSet"}
    }
    selectors = [m["spec"]["selector"] for m in rendered if m["kind"] == "Service"]
    selectors += [m["spec"]["podSelector"]["matchLabels"] for m in rendered if m["kind"] == "NetworkPolicy"]
    assert len(selectors) == 4
    for selector in selectors:
        assert any(selector.items() <= found.items() for found in labels.values())


def test_the_gpu_pool_is_large_enough_for_every_step_and_its_queues_lead_to_it():
    queues = documents((KUBERNETES / "overlays" / "gpu" / "queues.yaml").read_text(encoding="utf-8"))
    flavor, pool, queue = (next(m for m in queues if m["kind"] == kind) for kind in
                           ("ResourceFlavor", "ClusterQueue", "LocalQueue"))  # fmt: skip
    assert queue["spec"]["clusterQueue"] == pool["metadata"]["name"]
    (group,) = pool["spec"]["resourceGroups"]
    (share,) = group["flavors"]
    assert share["name"] == flavor["metadata"]["name"]
    quota = {resource["name"]: resource["nominalQuota"] for resource in share["resources"]}
    assert set(quota) == set(group["coveredResources"]) == {"cpu", "memory", ACCELERATOR}
    for stage in TABLE.values():
        assert cpus(stage.resources.cpu) <= cpus(quota["cpu"])
        assert gibibytes(stage.resources.memory) <= gibibytes(quota["memory"])
        assert stage.resources.gpus <= quota[ACCELERATOR]


def test_the_laptop_asks_for_no_object_store_and_no_gpu():
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed: overlays cannot be rendered")
    command = ["kubectl", "kustomize", str(KUBERNETES / "overlays" / "laptop-kind")]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert "videmo-s3" not in text
    assert ACCELERATOR not in text
    assert {m["metadata"].get("namespace") for m in documents(text)} == {"kubeflow"}
