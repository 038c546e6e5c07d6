"""What earns a reward; above all, that nothing but being right does."""

from __future__ import annotations

import math

import pytest
from default_settings import reward_settings
from tree_sentences import render_sentences

from videmo.settings.endpoint import Endpoint
from videmo.settings.rl import Reward
from videmo.tasks.catalog import PARTS
from videmo.training.rewards import Terms, caption_rewards, question_reward, tree_share
from videmo.tree.model import LEVELS, AffectiveTree, Pair
from videmo.tree.text import render
from videmo.tree.vocabulary import ASPECTS, EMOTIONS

SETTINGS = reward_settings()
STRICT = reward_settings(edit_lambda=0.5, label_cost=0.9)
REFERENCE = AffectiveTree(
    attribute=(Pair("accessory", "hat"), Pair("age", "young"), Pair("gender", "male"), Pair("lip thickness", "thin")),
    expression=(Pair("brows", "lowered"), Pair("jaw", "relaxed"), Pair("mouth corners", "lowered")),
    emotion=(Pair("emotion", "anger"), Pair("intensity", "strong"), Pair("sentiment", "negative")),
)
EVERYTHING = AffectiveTree(
    **{
        level: tuple(Pair(a.name, item) for a in ASPECTS.values() if a.level == level for item in a.items)
        for level in LEVELS
    }
)
RIGHT = render(REFERENCE)


def reward(text: str, settings: Reward = SETTINGS) -> Terms:
    return caption_rewards([text], REFERENCE, settings)[0]


@pytest.mark.parametrize("text", [RIGHT, render_sentences(REFERENCE)])
def test_the_right_caption_earns_everything(text):
    assert set(reward(text).named().values()) == {1.0}


@pytest.mark.parametrize("settings", [SETTINGS, reward_settings(edit_lambda=0.7, label_cost=0.2)])
def test_a_caption_earns_the_exponential_of_its_edit_distance(settings):
    changed = reward(RIGHT.replace("anger", "fear").replace("age: young; ", ""), settings)
    assert changed.tree == pytest.approx(math.exp(-settings.edit_lambda * (settings.label_cost + 1)))
    assert changed.attribute == pytest.approx(math.exp(-settings.edit_lambda))
    assert changed.expression == 1
    assert changed.emotion == pytest.approx(math.exp(-settings.edit_lambda * settings.label_cost))


def test_items_that_are_near_each_other_may_cost_less():
    near = [{"aspect": "emotion", "items": ["fear", "anger", "disgust"], "cost": 0.1}]
    settings = reward_settings(similar=near)
    found = [reward(RIGHT.replace("anger", name), settings).emotion for name in ("fear", "disgust", "sadness")]
    costs = [0.1, 0.1, settings.label_cost]
    assert found == pytest.approx([math.exp(-settings.edit_lambda * cost) for cost in costs])


def test_a_level_with_nothing_to_say_still_needs_its_segment():
    calm = REFERENCE.only("attribute", "expression")
    full, short = render(calm), render(calm, ("attribute", "expression"))
    earned = caption_rewards([full, short], calm, SETTINGS)
    assert [terms.format for terms in earned] == [1, 0]
    assert earned[0].tree == earned[1].tree == 1


def test_the_total_is_the_weighted_mean_of_the_terms_that_apply():
    terms = reward(RIGHT.replace("anger", "fear") + " So it is.")
    assert terms.format == 0
    expected = SETTINGS.tree_weight * terms.tree / (SETTINGS.tree_weight + SETTINGS.format_weight)
    assert terms.total == pytest.approx(expected)
    assert set(terms.named()) == {"total", "format", "tree", "attribute", "expression", "emotion"}


def test_many_captions_at_once_earn_what_each_earns_alone():
    texts = [RIGHT, "", render(EVERYTHING), RIGHT[:60], "<emotion>emotion: anger</emotion>"]
    assert caption_rewards(texts, REFERENCE, SETTINGS) == [reward(text) for text in texts]
    assert caption_rewards([], REFERENCE, SETTINGS) == []


def test_a_caption_of_some_levels_is_held_to_those():
    wanted = REFERENCE.only("attribute")
    text = render(REFERENCE, ("attribute",))
    assert caption_rewards([text, RIGHT], wanted, SETTINGS, ("attribute",))[0].total == 1
    whole = caption_rewards([text, RIGHT], wanted, SETTINGS, ("attribute",))[1]
    assert whole.format == 0
    assert whole.tree == whole.expression * whole.emotion < whole.attribute == 1


SCORER = Endpoint(url="http://localhost/v1", model="m")


def test_a_scorer_is_a_term_of_its_own_with_its_weight_in_the_total():
    settings = reward_settings(scorer=SCORER, scorer_weight=0.5)
    wrong = RIGHT.replace("anger", "fear")
    scored, alone = caption_rewards([wrong, wrong], REFERENCE, settings, scored=[0.4, None])
    assert alone == reward(wrong)
    assert (scored.tree, scored.format, scored.scorer) == (alone.tree, alone.format, 0.4)
    weights = settings.tree_weight + settings.format_weight
    assert scored.total == pytest.approx((alone.total * weights + 0.4 * 0.5) / (weights + 0.5))
    assert "scorer" in scored.named()
    assert "scorer" not in alone.named()
    assert tree_share(settings) == pytest.approx(settings.tree_weight / (weights + 0.5))
    assert tree_share(SETTINGS) == pytest.approx(SETTINGS.tree_weight / weights)


HONEST_MISTAKE = RIGHT.replace("anger", "fear").replace("thin", "full")
GAMES = {
    "empty output": "",
    "empty segments": render(AffectiveTree()),
    "one emotion and nothing else": "<attribute></attribute><expression></expression><emotion>emotion: anger</emotion>",
    "listing every item": render(EVERYTHING),
    "listing every emotion": RIGHT.replace("emotion: anger", "; ".join(f"emotion: {name}" for name in EMOTIONS)),
    "saying one thing twice": RIGHT.replace("age: young", "age: young; age: young"),
    "repeating the right items": RIGHT.replace("age: young", "; ".join(["age: young"] * 50)),
    "repeating the answer": RIGHT * 20,
    "repeating a segment with other guesses": RIGHT + render(EVERYTHING, ("emotion",)) * 3,
    "padding before": "I look closely. " * 500 + RIGHT,
    "padding within": RIGHT.replace("</attribute>", "; really, truly" * 500 + "</attribute>"),
    "blank padding": RIGHT.replace("<emotion>", " " * 10_000 + "<emotion>"),
    "a level left open": RIGHT.removesuffix("</emotion>"),
    "levels in another order": "".join(render(REFERENCE, (level,)) for level in reversed(LEVELS)),
    "statements under another level": RIGHT.replace("expression", "attribute"),
    "invented aspects": RIGHT.replace("age", "; ".join(f"aspect {n}: of note" for n in range(40)) + "; age"),
}


@pytest.mark.parametrize("game", GAMES)
def test_gaming_a_caption_earns_less_than_the_right_one(game):
    assert reward(GAMES[game]).total < reward(RIGHT).total - 0.05


@pytest.mark.parametrize("game", GAMES)
def test_gaming_does_not_pay_even_where_it_takes_in_the_scorer(game):
    texts = [RIGHT, GAMES[game]]
    right, gamed = caption_rewards(texts, REFERENCE, reward_settings(scorer=SCORER), scored=[0.9, 1.0])
    assert gamed.total < right.total - 0.05


@pytest.mark.parametrize(
    "game", ["empty output", "empty segments", "listing every item", "listing every emotion", "invented aspects"]
)
def test_gaming_the_content_earns_less_than_an_honest_mistake(game):
    assert reward(GAMES[game]).total < reward(HONEST_MISTAKE).total


# Half of it is right, three items are wrong, two statements are missing.
HONEST = (
    "<attribute>accessory: hat; age: middle-aged; gender: male</attribute>"
    "<expression>brows: raised; mouth corners: lowered</expression>"
    "<emotion>emotion: anger; intensity: weak; sentiment: negative</emotion>"
)
# What can be said without a look at the clip.
IGNORANT = {
    "nothing": "",
    "blanks": " \n" * 500,
    "empty segments": "<attribute></attribute><expression></expression><emotion></emotion>",
    "empty segments over and over": "<attribute></attribute><expression></expression><emotion></emotion>" * 30,
    "tags alone": "<attribute><expression><emotion>" * 30,
    "every item": render(EVERYTHING),
    "every item, in sentences": render_sentences(EVERYTHING),
    "every item of the level that counts": render(EVERYTHING.only("emotion")),
    "every emotion": render(AffectiveTree(emotion=tuple(Pair("emotion", name) for name in EMOTIONS))),
    "every attribute and nothing else": render(EVERYTHING, ("attribute",)),
    "one lucky emotion": "<attribute></attribute><expression></expression><emotion>emotion: anger</emotion>",
    "one lucky statement, repeated": "<attribute>" + "age: young; " * 40 + "</attribute>",
    "talk": "I see a person whose face shows an emotion. " * 300,
    "talk within the tags": render(AffectiveTree()).replace("><", ">I see a face, and what it shows; <") * 20,
    "the question": PARTS["fine_caption"].question,
    "as": "a" * 50_000,
}


@pytest.mark.parametrize("settings", [SETTINGS, STRICT])
@pytest.mark.parametrize("said", IGNORANT)
def test_what_can_be_said_without_a_look_earns_less_than_an_honest_answer_that_is_half_right(said, settings):
    assert reward(IGNORANT[said], settings).total < reward(HONEST, settings).total - 0.02


def everything_of(*aspects: str) -> str:
    return "; ".join(f"{name}: {item}" for name in aspects for item in ASPECTS[name].items)


# What could be done to an honest answer so that it earns more.
ADDED = {
    "one statement twice": HONEST.replace("accessory: hat", "accessory: hat; accessory: hat"),
    "one statement in both forms": HONEST.replace("accessory: hat", "accessory: hat; The accessory is hat."),
    "one statement ten times": HONEST.replace("gender: male", "gender: male; " * 10),
    "the answer twice": HONEST * 2,
    "the answer twenty times": HONEST * 20,
    "the last segment again, with another emotion": HONEST + "<emotion>emotion: fear</emotion>",
    "both of two ages": HONEST.replace("age: middle-aged", "age: middle-aged; age: young"),
    "both of two brows": HONEST.replace("brows: raised", "brows: raised, lowered"),
    "every age": HONEST.replace("age: middle-aged", everything_of("age")),
    "every emotion": HONEST.replace("emotion: anger", everything_of("emotion")),
    "every item of all": render(EVERYTHING),
    "aspects that there are none of": HONEST.replace("gender", "aura: bright; charm: great; gender"),
    "talk before": "Let me look closely. " + HONEST,
    "talk behind": HONEST + " I am sure.",
    "talk within": HONEST.replace("</attribute>", "; and so on</attribute>"),
    "blanks": HONEST.replace("<emotion>", " " * 2_000 + "<emotion>"),
    "blanks within": HONEST.replace("; ", ";" + " " * 500),
    "a segment left open": HONEST.removesuffix("</emotion>"),
    "a segment left out": HONEST[: HONEST.index("<expression>")] + HONEST[HONEST.index("<emotion>") :],
    "another order": HONEST[HONEST.index("<emotion>") :] + HONEST[: HONEST.index("<emotion>")],
    "statements on another level": HONEST.replace("expression>", "attribute>"),
}


@pytest.mark.parametrize("settings", [SETTINGS, STRICT])
@pytest.mark.parametrize("added", ADDED)
def test_nothing_done_to_an_honest_answer_earns_it_more(added, settings):
    assert ADDED[added] != HONEST
    assert reward(ADDED[added], settings).total < reward(HONEST, settings).total


@pytest.mark.parametrize("name", [name for name, aspect in ASPECTS.items() if len(aspect.items) > 1])
def test_all_guesses_together_earn_no_more_than_silence_and_less_than_any_one_of_them(name):
    items, level = ASPECTS[name].items, ASPECTS[name].level
    for item in items:
        reference = AffectiveTree(**{level: (Pair(name, item),)})
        said = [(), items, *((guess,) for guess in items)]
        texts = [render(AffectiveTree(**{level: tuple(Pair(name, guess) for guess in guesses)})) for guesses in said]
        silent, all_, *guesses = (terms.total for terms in caption_rewards(texts, reference, SETTINGS))
        assert all_ <= silent < min(guesses)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_a_false_statement_more_earns_less_than_silence(count):
    silent = RIGHT.replace("age: young; ", "")
    false = "; ".join(f"{name}: {ASPECTS[name].items[0]}" for name in ("chin shape", "hair type", "nose size",
                                                                       "skin colour", "people")[:count])  # fmt: skip
    padded = silent.replace("gender", f"{false}; gender")
    assert reward(padded).total < reward(silent).total


@pytest.mark.parametrize("part", ["action_units", "appearance", "action", "emotion_multi"])
def test_listing_every_answer_earns_less_than_naming_the_right_ones(part):
    space, right = PARTS[part].answers, PARTS[part].answers[:2]
    assert question_reward(", ".join(right), right, SETTINGS, PARTS[part]).total == 1
    assert question_reward(", ".join(space), right, SETTINGS, PARTS[part]).total < 0.6
    assert question_reward(right[0], right, SETTINGS, PARTS[part]).total > 0.7
    assert question_reward(", ".join(space), (), SETTINGS, PARTS[part]).qa == 0


@pytest.mark.parametrize("part", ["action_units", "appearance", "action", "emotion_multi"])
def test_of_several_answers_a_half_right_one_earns_more_than_what_can_be_said_without_a_look(part):
    space, right = PARTS[part].answers, PARTS[part].answers[:2]
    half = question_reward(f"{space[0]}, {space[3]}", right, SETTINGS, PARTS[part]).total
    ignorant = [
        "",
        "none",
        ", ".join(space),
        ", ".join(space) * 20,
        ", ".join(space[4:]),
        "yes",
        "x" * 10_000,
        "none " * 99,
    ]
    for text in ignorant:
        assert question_reward(text, right, SETTINGS, PARTS[part]).total < half - 0.05
    twice = question_reward(f"{space[0]}, {space[0]}, {space[3]}", right, SETTINGS, PARTS[part]).total
    assert twice < half


@pytest.mark.parametrize(
    "text", ["", "happy, sad, neutral, angry, surprise, disgust, fear", "happy or sad", "none", "hm"]
)
def test_a_single_choice_earns_nothing_but_for_the_one_right_answer(text):
    assert question_reward(text, ["happy"], SETTINGS, PARTS["emotion_dfew"]).total == 0


def test_an_answer_with_padding_or_repetition_loses_the_format_term():
    part = PARTS["emotion_dfew"]
    plain = question_reward("happy", ["happy"], SETTINGS, part)
    for text in ("happy, happy, happy", "happy " * 1000, "The person is happy."):
        padded = question_reward(text, ["happy"], SETTINGS, part)
        assert (padded.qa, padded.format) == (1, 0)
        assert padded.total < plain.total


def test_none_is_right_only_where_nothing_applies():
    assert question_reward("none", (), SETTINGS, PARTS["action_units"]).total == 1
    assert question_reward("", (), SETTINGS, PARTS["action_units"]).total == 0
    assert question_reward("none", ["AU1"], SETTINGS, PARTS["action_units"]).qa == 0


def test_rewards_lie_in_0_to_1_even_where_every_weight_is_zero():
    silent = reward_settings().model_copy(update={"tree_weight": 0, "qa_weight": 0, "format_weight": 0})
    assert reward(RIGHT, silent).total == 0
    for text in GAMES.values():
        assert all(0 <= term <= 1 for term in reward(text).named().values())


@pytest.mark.parametrize(("length", "earned"), [(3, 1), (3 + 1e-9, 0)])
def test_a_caption_of_more_than_three_times_the_right_length_is_badly_formed(length, earned):
    padding = " " * (math.ceil(length * len(RIGHT)) - len(RIGHT))
    padded = RIGHT.replace("age: young", "age: young" + padding)
    assert reward(padded).tree == 1
    assert reward(padded).format == earned
