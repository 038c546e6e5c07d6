import re

import numpy as np
import pytest

from videmo.pretraining.captions import EVERYTHING, NAMES, TOPICS, captions, prompts
from videmo.pretraining.pictures import take_picture
from videmo.pretraining.visible_facts import FACTS
from videmo.tasks.catalog import PARTS
from videmo.tree.vocabulary import ASPECTS

LEFT_TO_THE_CURRICULUM = (
    "emotion", "expression", "sentiment", "mood", "feel", "smil", "frown", "happy", "sad", "angr", "anger", "fear",
    "surpris", "disgust", "contempt", "neutral", "positive", "negative", "age", "young", "old", "gender", "male",
    "female", "man", "woman",
)  # fmt: skip


def said() -> list[str]:
    asked = [prompt for topic in (EVERYTHING, *TOPICS, *NAMES.values()) for prompt in prompts(topic)]
    return asked + [phrase for phrases in FACTS.values() for phrase in phrases]


def test_no_caption_has_a_word_of_emotion_expression_age_or_gender():
    words = {word for text in said() for word in re.findall(r"[a-z]+", text.lower())}
    stems = tuple(word for word in LEFT_TO_THE_CURRICULUM if len(word) > 3)
    assert not {w for w in words if w in LEFT_TO_THE_CURRICULUM or w.startswith(stems)}


def test_no_prompt_is_a_question_of_face_15():
    questions = {part.question.lower() for part in PARTS.values()}
    assert not questions & {text.lower() for text in said()}


def test_no_fact_is_told_in_the_items_of_an_aspect():
    """Colours and `one of several` words may be shared; a whole answer space may not."""
    spaces = {name: set(aspect.items) for name, aspect in ASPECTS.items() if len(aspect.items) > 1}
    spaces |= {name: set(part.answers) for name, part in PARTS.items() if len(part.answers) > 1}
    shared = {
        (slot, name)
        for slot, phrases in FACTS.items()
        for name, space in spaces.items()
        if space <= set(phrases) and "colour" not in slot
    }
    assert not shared


@pytest.mark.parametrize("seed", range(20))
def test_every_picture_tells_only_known_phrases_and_has_a_caption(seed):
    frames, picture = take_picture(np.random.default_rng(seed), 8, 84)
    assert frames.shape == (8, 84, 84, 3)
    assert all(phrase in FACTS[slot] for slot, phrase in picture.facts.items())
    told = captions(picture)
    assert told
    assert all(told.values())
