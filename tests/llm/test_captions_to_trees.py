"""Trees of captions in anybody's words: what a model's reply may say, and what becomes of it."""

import json

import pytest
from chat_server import Sent
from default_settings import endpoint_limits
from hypothesis import given
from hypothesis import strategies as st

from videmo.llm.captions_to_trees import LONGEST, parse_free, read_reply
from videmo.llm.client import CeilingReached, connect
from videmo.settings.endpoint import Endpoint
from videmo.tree.model import LEVELS, AffectiveTree, Pair
from videmo.tree.vocabulary import ASPECTS

TREE = AffectiveTree(
    attribute=(Pair("accessory", "hat"), Pair("accessory", "earrings"), Pair("age", "young")),
    expression=(Pair("brows", "raised"),),
    emotion=(Pair("emotion", "fear"),),
)
REPLY = """{"attribute": {"accessory": ["hat", "earrings"], "age": "young"},
            "expression": {"brows": ["raised"]}, "emotion": {"emotion": ["fear"]}}"""


def asking(server, **settings):
    return connect(
        Endpoint(url=server.url, model="m"), endpoint_limits(**{"retries": 0, **settings}), "evaluation.endpoint"
    ).ask


def one_item(aspect):
    return st.tuples(st.just(aspect), st.sampled_from(aspect.items))


WHOLE = st.lists(st.sampled_from(list(ASPECTS.values())), unique=True).flatmap(
    lambda aspects: st.tuples(*map(one_item, aspects))
)


@pytest.mark.parametrize(
    "reply",
    [
        REPLY,
        f"```json\n{REPLY}\n```",
        f"Sure {{as you wish}}:\n```\n{REPLY}\n```\nAnything else? {{}}",
        f"Here it is: {REPLY} That is all.",
        REPLY.replace("hat", " HAT ").replace("age", "Age"),
        REPLY.replace('"age"', '"gender": null, "skin colour": [], "eye size": "", "age"'),
    ],
)
def test_a_tree_is_read_from_its_json_whatever_stands_around_it(reply):
    read = read_reply(reply)
    assert (read.tree, read.levels, read.problems, read.repeats) == (TREE, LEVELS, (), 0)


@given(WHOLE)
def test_every_tree_of_the_vocabulary_comes_back(chosen):
    tree = {level: {a.name: [item] for a, item in chosen if a.level == level} for level in LEVELS}
    read = read_reply(json.dumps(tree))
    assert not read.problems
    expected = {level: tuple(Pair(a.name, item) for a, item in chosen if a.level == level) for level in LEVELS}
    assert read.tree == AffectiveTree(**expected)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text() | st.sampled_from([*LEVELS, *ASPECTS, "young", "fear"]),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from([*LEVELS, *ASPECTS, "x"]), inner),
)


@given(st.text() | JSON.map(json.dumps) | st.text().map(lambda text: "{" + text))
def test_no_reply_raises(reply):
    read = read_reply(reply)
    pairs = [(level, pair) for level in LEVELS for pair in read.tree.level(level)]
    assert all(ASPECTS[pair.aspect].level == level and pair.item in ASPECTS[pair.aspect].items for level, pair in pairs)
    assert all(0 <= problem.position <= len(reply) for problem in read.problems)


@pytest.mark.parametrize(
    "reply", ["", "I cannot say.", "{" * 100_000, '{"a":' * 100_000, "[1]", REPLY[:-9], "9" * 9999]
)
def test_what_holds_no_object_is_a_problem_and_an_empty_tree(reply):
    read = read_reply(reply)
    assert (read.tree, read.levels, [p.reason for p in read.problems]) == (AffectiveTree(), (), ["no JSON object"])


@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        ('{"attribute": {"age": "young", "mood": "good"}}', "mood: not an aspect of the attribute level"),
        ('{"attribute": {"age": "young", "brows": "raised"}}', "brows: not an aspect of the attribute level"),
        ('{"attribute": {"age": ["young", "youngish"]}}', "age: youngish: not an item of it"),
        ('{"attribute": {"age": ["young", {"a": 1}]}}', 'age: [["a", 1]]: not an item of it'),
        ('{"attribute": {"age": "young", "gender": ["male", "female"]}}', "gender: more than one item"),
        ('{"attribute": {"age": "young", "gender": "male", "gender": "female"}}', "gender: more than one item"),
        ('{"attribute": {"age": "young"}, "mood": {}}', "mood: not a level with aspects, or a duplicate"),
        ('{"attribute": {"age": "young"}, "emotion": "fear"}', "emotion: not a level with aspects, or a duplicate"),
        ('{"attribute": {"age": "young"}, "attribute": {}}', "attribute: not a level with aspects, or a duplicate"),
    ],
)
def test_what_the_vocabulary_does_not_know_is_left_out_and_reported(reply, problem):
    read = read_reply(reply)
    assert read.tree == AffectiveTree(attribute=(Pair("age", "young"),))
    assert [found.reason for found in read.problems] == [problem]
    name = problem.partition(":")[0]
    assert reply[read.problems[0].position :].startswith(f'"{name}"')


def test_what_is_said_twice_stands_once_and_is_counted():
    read = read_reply('{"attribute": {"age": ["young", "young"]}, "expression": null}')
    assert (read.tree, read.repeats) == (AffectiveTree(attribute=(Pair("age", "young"),)), 1)
    assert (read.levels, read.problems) == (("attribute", "expression"), ())


def test_captions_are_asked_about_and_read(chat_server):
    captions = ["A young woman, afraid.", "", "Ein Mädchen 😨", "A young woman, afraid."]
    chat_server.reply = lambda instruction, content: REPLY if "young" in content else "no idea"
    read = parse_free(captions, asking(chat_server))
    assert [one.tree for one in read] == [TREE, AffectiveTree(), AffectiveTree(), TREE]
    assert [len(one.problems) for one in read] == [0, 0, 1, 0]
    assert sorted(chat_server.contents) == sorted({"A young woman, afraid.", "Ein Mädchen 😨"})


def test_the_model_is_told_every_aspect_and_item(chat_server):
    parse_free(["?"], asking(chat_server))
    told = chat_server.bodies[0]["messages"][0]["content"]
    assert all(aspect.name in told and all(item in told for item in aspect.items) for aspect in ASPECTS.values())


def test_an_endless_caption_is_cut_and_that_is_said(chat_server):
    chat_server.reply = lambda instruction, content: REPLY
    (read,) = parse_free(["young " * 20_000], asking(chat_server))
    assert read.tree == TREE
    assert [problem.position for problem in read.problems] == [LONGEST]
    assert len(chat_server.contents[0]) == LONGEST


def test_after_the_ceiling_the_rest_is_asked_for_alone(chat_server):
    captions = [f"caption {number}" for number in range(5)]
    with pytest.raises(CeilingReached):
        parse_free(captions, asking(chat_server, max_requests=3))
    chat_server.script = [Sent(REPLY)] * 2
    read = parse_free(captions, asking(chat_server, max_requests=3))
    assert sum(one.tree == TREE for one in read) == 2
    assert sorted(chat_server.contents) == captions
