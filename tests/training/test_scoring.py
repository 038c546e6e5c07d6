import json
from dataclasses import replace

import pytest
from default_settings import endpoint_limits, reward_settings, rl_settings

from videmo.data.samples import Sample
from videmo.generation.rollout import Rollout, RolloutNode
from videmo.llm.client import connect
from videmo.settings.endpoint import Endpoint
from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import ask
from videmo.training.prompts import prompts
from videmo.training.scoring import ask_scorer, means, over_levels, score
from videmo.training.tally import Tally, together
from videmo.tree.model import LEVELS
from videmo.tree.vocabulary import ASPECTS

TRUTH = (
    "<attribute>age: young; gender: male</attribute>",
    "<expression>brows: raised</expression>",
    "<emotion>emotion: fear</emotion>",
)
CAPTION = Sample("c.fine_caption", "c", "fine_caption", "emotion", "train", "?", "".join(TRUTH))


def node(level, text, parent):
    return RolloutNode(LEVELS[level], text, (1,), (-0.5,), parent)


def test_each_level_earns_by_its_own_segment_and_by_what_follows():
    wrong = "<attribute>age: elderly; gender: female</attribute>"
    nodes = (
        node(0, TRUTH[0], -1), node(0, wrong, -1),
        node(1, TRUTH[1], 0), node(1, TRUTH[1], 1),
        node(2, TRUTH[2], 2), node(2, "<emotion>emotion: anger</emotion>", 2), node(2, TRUTH[2], 3),
    )  # fmt: skip
    scored = score(CAPTION, Rollout(nodes), reward_settings())
    advantages = scored.advantages.advantages.tolist()
    assert advantages[0] > 0 > advantages[1]
    assert advantages[3] == advantages[1]  # an only child answers for the choice above it
    assert advantages[4] > 0 > advantages[5]
    assert scored.advantages.groups == 2
    assert means([scored])["caption_tree"] < 1
    assert max(terms.total for terms in scored.leaves) == pytest.approx(1)


def test_questions_are_scored_by_their_answers():
    question = "What is the age? Choose one: young, middle-aged, elderly."
    asked = Sample("c.age", "c", "age", "attribute", "train", question, "young")
    nodes = tuple(RolloutNode("answer", text, (1,), (-0.5,), -1) for text in ("young", "elderly", "young", ""))
    scored = score(asked, Rollout(nodes), reward_settings())
    assert [terms.qa for terms in scored.leaves] == [1, 0, 1, 0]
    assert scored.advantages.advantages[0] == scored.advantages.advantages[2] > 0
    assert "question_qa" in means([scored])


def test_over_levels_a_gap_counts_by_how_large_it_is_among_those_of_its_level():
    right, wrong = TRUTH[2], TRUTH[2].replace("fear", "anger")
    near = (
        node(0, TRUTH[0], -1), node(0, TRUTH[0].replace("male", "female"), -1),
        node(1, TRUTH[1], 0), node(1, TRUTH[1], 1),
        node(2, right, 2), node(2, wrong, 2), node(2, right, 3), node(2, right, 3),
    )  # fmt: skip
    far = (near[0], node(0, "<attribute></attribute>", -1), near[2], near[4], near[5])  # the empty one goes nowhere
    asked = Sample("c.age", "c", "age", "attribute", "train", ask(PARTS["age"]), "young")
    answers = Rollout(tuple(RolloutNode("answer", text, (1,), (-0.5,), -1) for text in ("young", "elderly")))
    batch = [(CAPTION, Rollout(near)), (CAPTION, Rollout(far)), (asked, answers)]
    plain = [score(sample, rollout, reward_settings(), by_group=False) for sample, rollout in batch]
    scaled = [one.advantages.advantages.tolist() for one in over_levels(plain)]
    gaps = [one.advantages.advantages.tolist() for one in plain]
    usual = (sum(gap**2 for gap in (*gaps[0][:2], *gaps[1][:2])) / 4) ** 0.5
    assert scaled[0][:4] == pytest.approx([gap / (usual + 1e-4) for gap in gaps[0][:4]])  # only children go along
    assert abs(scaled[1][0]) > 2 * abs(scaled[0][0]) > 0
    assert scaled[0][4:] == pytest.approx([1, -1, 0, 0], abs=0.01)
    assert scaled[2] == pytest.approx([1, -1], abs=0.01)
    by_group = [score(sample, rollout, reward_settings()).advantages.advantages.tolist() for sample, rollout in batch]
    for one in by_group[:2]:
        assert one[:2] == pytest.approx([1, -1], abs=0.01)


def test_levels_are_scaled_by_the_spreads_of_all_processes():
    nodes = (node(0, TRUTH[0], -1), node(0, "<attribute></attribute>", -1))
    alone = score(CAPTION, Rollout(nodes), reward_settings(), by_group=False)

    def with_another_process(tally):
        return together([tally, Tally({"attribute": (9 * tally.sums["attribute"][0], tally.sums["attribute"][1])})])

    (here,), (everywhere,) = over_levels([alone]), over_levels([alone], with_another_process)
    assert float(here.advantages.advantages[0] / everywhere.advantages.advantages[0]) == pytest.approx(5**0.5, rel=1e-2)


FULL = (
    "<attribute>age: young; gender: male; hair type: wavy; lip thickness: thin</attribute>"
    "<expression>brows: raised; jaw: dropped; lips: parted</expression>"
    "<emotion>emotion: fear; intensity: strong; sentiment: negative</emotion>"
)
GAMES = {
    "an empty segment": "<{level}></{level}>",
    "every item": "<{level}>{every}</{level}>",
    "a segment left open": "<{level}>{honest}",
    "the same again": "<{level}>{honest}; {honest}</{level}>",
    "talk": "<{level}>{honest}; what a face</{level}>",
    "another level's tags": "<emotion>{honest}</emotion><{level}>{honest}</{level}>",
}


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("game", GAMES)
def test_a_segment_that_games_the_reward_stands_below_an_honest_half_right_one(game, level):
    said = (
        "age: young; hair type: wavy; gender: female",
        "brows: lowered; jaw: dropped",
        "emotion: fear; intensity: weak",
    )
    name = LEVELS[level]
    every = "; ".join(f"{a.name}: {item}" for a in ASPECTS.values() if a.level == name for item in a.items)
    honest = [f"<{of}>{words}</{of}>" for of, words in zip(LEVELS, said, strict=True)]
    gamed = GAMES[game].format(level=name, honest=said[level], every=every)
    nodes = [node(above, honest[above], above - 1) for above in range(level)]
    pair = [node(level, honest[level], level - 1), node(level, gamed, level - 1)]
    if game == "a segment left open":
        pair[1] = replace(pair[1], complete=False)
    nodes += pair
    for place, parent in enumerate(pair):
        if parent.complete:
            above = level + place
            for below in range(level + 1, 3):
                nodes.append(node(below, honest[below], above))
                above = len(nodes) - 1
    rollout = in_levels(nodes)
    scored = score(replace(CAPTION, answer=FULL), rollout, reward_settings())
    of_pair = [scored.advantages.advantages[index] for index, one in enumerate(rollout.nodes) if one.level == name]
    assert of_pair[0] > 0 > of_pair[1]


def in_levels(nodes):
    """The same tree with its nodes level by level."""
    order = sorted(range(len(nodes)), key=lambda index: LEVELS.index(nodes[index].level))
    place = {index: at for at, index in enumerate(order)} | {-1: -1}
    return Rollout(tuple(replace(nodes[index], parent=place[nodes[index].parent]) for index in order))


def test_a_scorer_is_asked_about_the_leaves_of_captions_alone(chat_server):
    scorer, limits = Endpoint(url=chat_server.url, model="m"), endpoint_limits(retries=0)
    wrong = TRUTH[2].replace("fear", "anger")
    nodes = (node(0, TRUTH[0], -1), node(1, TRUTH[1], 0), node(2, TRUTH[2], 1), node(2, wrong, 1), node(2, " ", 0))
    asked = Sample("c.age", "c", "age", "attribute", "train", "What is the age?", "young")
    rollouts = [Rollout((RolloutNode("answer", "young", (1,), (-0.5,), -1),)), Rollout(nodes)]
    chat_server.reply = lambda instruction, content: "20" if "fear" in json.loads(content)["answer"] else "Score: 90"
    said = ask_scorer([asked, CAPTION], rollouts, connect(scorer, limits, "rl.reward.scorer").ask)
    assert said == [None, [0.2, 0.9, 0.9]]
    settings = reward_settings(scorer=scorer, scorer_weight=1.0)
    with_scorer, without = (score(CAPTION, rollouts[1], settings, leaves) for leaves in (said[1], None))
    assert [terms.scorer for terms in with_scorer.leaves] == said[1]
    assert with_scorer.advantages.advantages[2] < 0 < without.advantages.advantages[2]
    assert means([with_scorer])["caption_scorer"] == pytest.approx(2 / 3)
    assert "caption_scorer" not in means([without])


def test_questions_take_turns_among_the_parts():
    samples = [CAPTION] + [
        Sample(f"c{clip}.{part}", f"c{clip}", part, "attribute", "train", "?", "!")
        for part, clips in (("age", 50), ("gender", 2), ("head_pose", 50))
        for clip in range(clips)
    ]
    asked = prompts(samples, rl_settings(batch_clips=8, question_clips=6))
    captions, questions = asked.at(3)
    assert [sample.part for sample in captions] == ["fine_caption"] * 2
    assert sorted(sample.part for sample in questions) == ["age"] * 2 + ["gender"] * 2 + ["head_pose"] * 2
    assert asked.at(3) == prompts(samples, rl_settings(batch_clips=8, question_clips=6)).at(3)


def test_without_trees_there_are_questions_alone_and_without_anything_a_refusal():
    question = Sample("c.age", "c", "age", "attribute", "train", "?", "!")
    captions, questions = prompts([question], rl_settings(batch_clips=3, question_clips=1)).at(0)
    assert (len(captions), len(questions)) == (0, 3)
    captions, questions = prompts([CAPTION], rl_settings(batch_clips=3, question_clips=1)).at(0)
    assert (len(captions), len(questions)) == (3, 0)
    with pytest.raises(ValueError, match="nothing to ask"):
        prompts([], rl_settings())
