"""What the tiny base model reads: plain captions of pictures.

A topic is a group of slots, and a caption has the phrases of one topic. A single fact can have its own caption too.
"""

from __future__ import annotations

from videmo.pretraining.pictures import Picture
from videmo.pretraining.visible_facts import FACTS, MARKS, WORN

EVERYTHING = "all there is"
TOPICS: dict[str, tuple[str, ...]] = {
    "the face": ("count", "face_shape", "chin_shape"),
    "the skin": ("skin_colour", "skin_texture", "cheek tint"),
    "the hair": ("hair_colour", "hair_length", "hair_type", "fringe"),
    "the eyes": ("eye_colour", "eye_size"),
    "the eyebrows": ("eyebrow_thickness", "eyebrow_angle"),
    "the nose": ("nose_size", "nose_width"),
    "the lips": ("lip_thickness", "lip_colour"),
    "the marks": tuple(f"mark {mark}" for mark in MARKS),
    "the things worn": tuple(f"worn {thing}" for thing in WORN),
    "how the brows go": ("moves brows within", "moves brows without"),
    "how the lids go": ("moves lids", "moves cheeks", "moves nose"),
    "how the mouth goes": ("moves mouth ends", "moves mouth gap", "moves lips", "moves chin"),
    "how much goes on": ("moves amount", "moves course"),
    "where it faces": ("moves facing", "moves gaze"),
    "what swings": ("moves head motion", "moves body motion"),
    "what opens": ("moves eye motion", "moves mouth motion"),
    "the pair": ("count", "pair look", "pair gap", "pair turn"),
    "the left one": ("left brows", "left mouth"),
    "the right one": ("right brows", "right mouth"),
    "the scene": ("scene colour", "scene shape", "scene place", "scene motion", "scene ground"),
}

# The name of a slot in a caption of its own.
NAMES: dict[str, str] = {
    "face_shape": "the outline of the face", "chin_shape": "the line of the chin",
    "skin_colour": "the tone of the skin", "skin_texture": "the surface of the skin",
    "hair_colour": "the colour of the hair", "hair_length": "the reach of the hair",
    "hair_type": "the fall of the hair", "eye_colour": "the colour of the eyes", "eye_size": "the measure of the eyes",
    "eyebrow_thickness": "the weight of the eyebrows", "eyebrow_angle": "the line of the eyebrows",
    "nose_size": "the length of the nose", "nose_width": "the breadth of the nose",
    "lip_thickness": "the weight of the lips", "lip_colour": "the colour of the lips",
    "moves brows within": "the inner ends of the brows", "moves brows without": "the outer ends of the brows",
    "moves lids": "the lids", "moves cheeks": "the cheeks", "moves nose": "the bridge of the nose",
    "moves mouth ends": "the ends of the mouth", "moves mouth gap": "the gap of the mouth",
    "moves lips": "the hold of the lips", "moves chin": "the tip of the chin",
    "moves amount": "the amount of motion", "moves course": "the course of the motion",
    "moves facing": "the way the head faces", "moves gaze": "the way the eyes look",
    "moves head motion": "the motion of the head", "moves body motion": "the motion of the body",
    "moves eye motion": "the motion of the lids", "moves mouth motion": "the motion of the jaw",
    "pair look": "the two heads", "pair gap": "the gap of the heads", "pair turn": "the turn of the heads",
    "scene colour": "the colour of the thing", "scene shape": "the shape of the thing",
    "scene place": "the place of the thing", "scene motion": "the motion of the thing",
}  # fmt: skip
_PROMPTS = ("Tell of {}.", "Say what is to be seen of {}.", "Look at {}: write it down.", "Now {}, please.")


def prompts(topic: str) -> tuple[str, ...]:
    """The prompts that ask for a caption of `topic`."""
    return tuple(prompt.format(topic) for prompt in _PROMPTS)


def captions(picture: Picture) -> dict[str, str]:
    """One caption for each topic that the picture shows; marks and things worn are listed only if present."""
    by_topic: dict[str, str] = {}
    for topic, slots in TOPICS.items():
        phrases = [picture.facts[slot] for slot in slots if slot in picture.facts]
        if topic in ("the marks", "the things worn") and phrases:
            phrases = [phrase for phrase in phrases if not phrase.startswith("no ")] or ["nothing"]
        if phrases and (topic not in ("the face", "the pair") or len(phrases) > 1):
            by_topic[topic] = (" " if topic == "the scene" else ", ").join(phrases)
    return by_topic


def texts() -> list[str]:
    """Texts to train the tokenizer on: everything that captions can say, and the vocabulary of the curriculum.

    The tokenizer knows the curriculum's words, as that of any large model does; the model has never read them.
    """
    from videmo.tasks.catalog import PARTS
    from videmo.tree.vocabulary import ASPECTS

    lines = [prompt for topic in (EVERYTHING, *TOPICS, *NAMES.values()) for prompt in prompts(topic)]
    lines += [f"{topic}: {phrase}, {phrase}" for topic, slots in TOPICS.items() for s in slots for phrase in FACTS[s]]
    questions = [
        f"{part.question} {', '.join(part.answers)}, none; {'; '.join(part.answers)}" for part in PARTS.values()
    ]
    vocabulary = [
        f"{a.name}: {item}; What is the {a.name}? {item}, {item}" for a in ASPECTS.values() for item in a.items
    ]
    return [text for text in (*lines, *questions, *vocabulary) for _ in range(5)]
