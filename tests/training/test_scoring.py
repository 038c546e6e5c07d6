import json

import pytest

from videmo.config import Endpoint, Reward, Rl
from videmo.data.samples import Sample
from videmo.endpoint import connect
from videmo.generation.rollout import Rollout, RolloutNode
from videmo.training.prompts import prompts
from videmo.training.scoring import ask_scorer, means, score
from videmo.tree.model import LEVELS

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
    scored = score(CAPTION, Rollout(nodes), Reward())
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
    scored = score(asked, Rollout(nodes), Reward())
    assert [terms.qa for terms in scored.leaves] == [1, 0, 1, 0]
    assert scored.advantages.advantages[0] == scored.advantages.advantages[2] > 0
    assert "question_qa" in means([scored])


def test_a_scorer_is_asked_about_the_leaves_of_captions_alone(chat_server):
    scorer = Endpoint(url=chat_server.url, model="m", retries=0)
    wrong = TRUTH[2].replace("fear", "anger")
    nodes = (node(0, TRUTH[0], -1), node(1, TRUTH[1], 0), node(2, TRUTH[2], 1), node(2, wrong, 1), node(2, " ", 0))
    asked = Sample("c.age", "c", "age", "attribute", "train", "What is the age?", "young")
    rollouts = [Rollout((RolloutNode("answer", "young", (1,), (-0.5,), -1),)), Rollout(nodes)]
    chat_server.reply = lambda instruction, content: "20" if "fear" in json.loads(content)["answer"] else "Score: 90"
    said = ask_scorer([asked, CAPTION], rollouts, connect(scorer, "rl.reward.scorer").ask)
    assert said == [None, [0.2, 0.9, 0.9]]
    settings = Reward(scorer=scorer, scorer_weight=1.0)
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
    asked = prompts(samples, Rl(batch_clips=8, question_clips=6))
    captions, questions = asked.at(3)
    assert [sample.part for sample in captions] == ["fine_caption"] * 2
    assert sorted(sample.part for sample in questions) == ["age"] * 2 + ["gender"] * 2 + ["head_pose"] * 2
    assert asked.at(3) == prompts(samples, Rl(batch_clips=8, question_clips=6)).at(3)


def test_without_trees_there_are_questions_alone_and_without_anything_a_refusal():
    question = Sample("c.age", "c", "age", "attribute", "train", "?", "!")
    captions, questions = prompts([question], Rl(batch_clips=3, question_clips=1)).at(0)
    assert (len(captions), len(questions)) == (0, 3)
    captions, questions = prompts([CAPTION], Rl(batch_clips=3, question_clips=1)).at(0)
    assert (len(captions), len(questions)) == (3, 0)
    with pytest.raises(ValueError, match="nothing to ask"):
        prompts([], Rl())
