"""What Kubeflow Pipelines shows of a run, besides the page."""

import json

from kfp.dsl import ClassificationMetrics

from videmo.data.shards import open_dataset
from videmo.evaluation.choices import UNREAD
from videmo.evaluation.results import CONFUSED, log_confusion, write_verdict
from videmo.tasks.catalog import PARTS


def test_the_confusion_of_the_emotions_has_a_cell_for_every_question_asked(outputs):
    shown = ClassificationMetrics()
    log_confusion(outputs / "answers_rl", shown)
    matrix = json.loads(json.dumps(shown.metadata, allow_nan=False))["confusionMatrix"]
    assert [label["displayName"] for label in matrix["annotationSpecs"]] == [*PARTS[CONFUSED].answers, UNREAD]
    asked = [s for s in open_dataset(outputs / "data_build").of(split="test") if s.part == CONFUSED]
    assert sum(sum(row["row"]) for row in matrix["rows"]) == len(asked) > 0


def test_where_no_emotion_was_asked_for_there_is_no_confusion_to_show(tmp_path):
    (tmp_path / "predictions.jsonl").write_text("")
    shown = ClassificationMetrics()
    log_confusion(tmp_path, shown)
    assert not shown.metadata


def test_the_verdict_is_one_sentence_of_markdown(tmp_path):
    verdict = {"passed": False, "reason": "The challenger is refused: it says nothing.", "gain": None}
    (tmp_path / "verdict.json").write_text(json.dumps(verdict))
    write_verdict(tmp_path, tmp_path / "verdict.md")
    assert (tmp_path / "verdict.md").read_text() == "**Refused.** The challenger is refused: it says nothing.\n"
