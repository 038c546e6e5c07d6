"""Where a version came from."""

import json
from pathlib import Path

from evaluated_models import BACKBONE, complete, promoted, verdict_of

from videmo.registry.champion import read_history
from videmo.registry.lineage import lineage
from videmo.registry.tracking import connect
from videmo.registry.version_artifacts import artifact
from videmo.stages.store import output_of


def test_a_promotion_keeps_verdict_card_lineage_and_answers_and_is_in_the_history(evaluated, tmp_path, monkeypatch):
    monkeypatch.setenv("VIDEMO_IMAGE", "videmo:9")
    inputs = evaluated("a", 0.9)
    promoted(inputs, tmp_path)
    client = connect()
    version = client.get_model_version("videmo", "1")
    kept = {entry.path for folder in (None, "verdicts") for entry in client.list_artifacts(version.run_id, folder)}
    entry = read_history(client, "videmo").entries[0]
    assert {"model_card.md", "lineage.json", "predictions", entry.change.verdict} <= kept
    assert (entry.change.version, entry.change.kind, entry.change.reason) == ("1", "gate", verdict_of(client, 1).reason)
    assert entry.origin["data"] == "d1"
    assert entry.origin["policy"] == "policy-a"
    assert {"code", "run"} <= set(entry.origin)
    assert entry.origin["image"] == "videmo:9"
    card = artifact(client, version, "model_card.md", Path.read_bytes).decode()
    assert "Image videmo:9." in card
    for told in (
        "# videmo, version 1",
        "head pose",
        "judge\n`rules`",
        "hiring, work",
        "| tree_rl | policy-a |",
        "Apache-2.0",
    ):
        assert told in card, told
    assert "not for decisions about people" in version.description
    came_from = json.loads(artifact(client, version, "lineage.json", Path.read_bytes))
    assert came_from["tree_rl"]["config"] == BACKBONE


def test_the_stages_that_made_a_policy_are_found_in_the_store_when_it_lies_elsewhere(evaluated, tmp_path):
    levels, before = ("sft_attribute", "sft_expression", "sft_emotion"), {}
    for level in levels:
        complete(output_of(level, f"d-{level}"), level, f"d-{level}", BACKBONE, before)
        before = {level: f"d-{level}", "a folder outside": "d0"}
    inputs = evaluated("a", 0.9)
    complete(inputs["tree_rl"], "tree_rl", "policy-a", BACKBONE, before)
    assert list(lineage(inputs)) == ["data_build", *levels, "tree_rl", "answers_rl", "face15_eval"]


def test_the_card_names_the_backbone_whose_licence_holds(evaluated, tmp_path):
    inputs = evaluated("a", 0.9)
    complete(inputs["tree_rl"], "tree_rl", "policy-a", {"backbone": {"name": "some/model", "dtype": "float32"}})
    promoted(inputs, tmp_path)
    client = connect()
    card = artifact(client, client.get_model_version("videmo", "1"), "model_card.md", Path.read_bytes).decode()
    assert "Started from some/model" in card
    assert "These weights started from some/model: its licence holds" in card
