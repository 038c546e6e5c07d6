import pytest
from default_settings import endpoint_limits, evaluation_settings, params_with

from videmo.evaluation.judge import RULES, choose_judge, score
from videmo.evaluation.predictions import Prediction
from videmo.evaluation.statistics import MEASURES, difference
from videmo.llm.client import CeilingReached
from videmo.settings.endpoint import Endpoint
from videmo.settings.errors import SettingError
from videmo.tasks.catalog import COLUMNS, PARTS
from videmo.tasks.questions import ask

LIMITS = endpoint_limits(retries=0)

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
    assert len(set(found.clusters)) == 1


def test_an_answer_that_is_empty_endless_or_markup_scores_nothing():
    for response in ("", "a" * 100_000, "<script>yes()</script>", "<expression>" * 5000):
        assert columns(score([prediction("head_pose", response, "front")])) == {("head_pose", "head_pose"): 0}
        assert set(score([prediction("fine_caption", response, TREE)]).values) == {0}


def test_an_unknown_judge_is_refused_with_those_there_are():
    with pytest.raises(SettingError, match=r"evaluation\.judge = 'oracle': .*'rules' or 'endpoint'"):
        params_with({"evaluation": {"judge": "oracle"}})
    with pytest.raises(SettingError, match=r"evaluation\.judge = endpoint needs evaluation\.endpoint"):
        params_with({"evaluation": {"judge": "endpoint"}})


@pytest.fixture
def settings(chat_server):
    chat_server.reply = lambda instruction, content: "10, 20, 30, 40, 50, 60" if "fluency" in instruction else "70"
    return evaluation_settings(judge="endpoint", endpoint=Endpoint(url=chat_server.url, model="m"))


def test_a_large_model_scores_trees_and_nothing_that_can_be_computed(settings, chat_server):
    asked = [
        prediction("identity", "Yes.", "yes"),
        prediction("rationale", "He frowns, so he is angry.", TREE),
        prediction("emotion_caption", "<html>&", TREE),
        prediction("fine_caption", "", TREE),
    ]
    found = score(asked, choose_judge(settings, LIMITS))
    scores = columns(found)
    assert scores["identity", "identity"] == 100
    understanding = [name for name, column in COLUMNS.items() if column.table == "understanding"]
    assert [scores[name, "rationale"] for name in understanding] == [10, 20, 30, 40, 50, 60]
    assert scores["emotion_caption", "emotion_caption"] == 70
    assert {scores[name, "fine_caption"] for name in understanding} == {0}
    assert len(chat_server.contents) == 2
    assert found.judge == f"endpoint:m@127.0.0.1:{chat_server.http.server_port}"


def test_an_answer_that_cannot_be_scored_scores_nothing(settings, chat_server, caplog):
    chat_server.reply = lambda instruction, content: "I would say about 80 out of 100 for each."
    endless = "<b>brows: raised; " * 10_000
    assert set(score([prediction("fine_caption", endless, TREE)], choose_judge(settings, LIMITS)).values) == {0}
    assert "1 of 1 replies have no scores and count as 0: 'I would say" in caplog.text


def test_a_judge_at_its_ceiling_goes_on_where_it_stopped(settings, chat_server):
    few = LIMITS.model_copy(update={"max_requests": 4})
    asked = [
        Prediction(f"c{n}", "rationale", f"c{n}", None, ask(PARTS["rationale"]), TREE, f"answer {n}") for n in range(6)
    ]
    with pytest.raises(CeilingReached, match=r"execution\.endpoint\.max_requests = 4"):
        score(asked, choose_judge(settings, few))
    assert len(score(asked, choose_judge(settings, few)).values) == 6 * 6
    assert len(chat_server.contents) == len(set(chat_server.contents)) == 6


def test_scores_of_different_judges_are_not_compared(settings):
    asked = [prediction("fine_caption", TREE, TREE)]
    other = settings.model_copy(update={"endpoint": settings.endpoint.model_copy(update={"model": "other"})})
    for one, another in (
        (RULES, choose_judge(settings, LIMITS)),
        (choose_judge(settings, LIMITS), choose_judge(other, LIMITS)),
    ):
        with pytest.raises(ValueError, match="scores of different judges cannot be compared"):
            difference(score(asked, one), score(asked, another), resamples=10, seed=0)


def test_people_who_were_seen_together_are_drawn_together():
    people = [(f"c{n}", who) for n, who in enumerate(["anna", "ben", "anna+ben", "carl"])]
    answers = [Prediction(c, "identity", c, who, ask(PARTS["identity"]), "yes", "yes") for c, who in people]
    assert len(set(score(answers).clusters)) == 2
