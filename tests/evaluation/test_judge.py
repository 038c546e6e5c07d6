import pytest

from videmo.evaluation.judge import score
from videmo.evaluation.predictions import Prediction
from videmo.evaluation.statistics import MEASURES
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import ask

TREE = "<attribute>age: young</attribute><expression>brows: raised</expression><emotion>emotion: fear</emotion>"


def prediction(part, response, reference, person="p1"):
    return Prediction(f"c1.{part}", part, "c1", person, ask(PARTS[part]), reference, response)


def columns(found):
    return {MEASURES[measure]: value for measure, value in zip(found.measures, found.values, strict=True)}


def test_a_closed_answer_has_one_score_and_a_whole_tree_six():
    found = score([prediction("identity", "Yes.", "yes"), prediction("rationale", TREE, TREE)])
    assert columns(found)["identity", "identity"] == 100
    assert len(found.values) == 1 + 6
    assert {part for _, part in columns(found)} == {"identity", "rationale"}
    assert found.judge == "rules"
    assert set(found.clusters) == {"p1"}


def test_an_answer_that_is_empty_endless_or_markup_scores_nothing():
    for response in ("", "a" * 100_000, "<script>yes()"[:8], "<expression>" * 5000):
        assert columns(score([prediction("head_pose", response, "front")])) == {("head_pose", "head_pose"): 0}
        assert set(score([prediction("fine_caption", response, TREE)]).values) == {0}


def test_an_unknown_judge_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"evaluation\.judge = oracle: no such judge; there is rules"):
        score([], "oracle")
