"""Face-15 as data: the paper's 33 columns, which form 15 tasks and 3 tables. Adding a column is adding a row.

A part is one question set of one corpus; a column is the mean of its parts; a task is the mean of its columns. Sizes
are the test sizes of Emo-CFG; answer spaces are those of the corpora. The reading of "15 tasks" is this project's own.

A new column is a `Column(...)` in `COLUMNS` and, for a new question, a `Part(...)` in `PARTS`. It counts in its task as
soon as a data set has answers to it; the paper's aggregates stay as they are, and data without it are still judged.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Literal

from videmo.tree.model import Level
from videmo.tree.vocabulary import HEAD_POSES

Metric = Literal["accuracy", "f1", "judge"]
Table = Literal["attribute", "expression", "understanding"]

APPEARANCE = (
    "blurry", "male", "young", "chubby", "pale skin", "rosy cheeks", "oval face", "receding hairline", "bald", "bangs",
    "black hair", "blond hair", "gray hair", "brown hair", "straight hair", "wavy hair", "long hair", "arched eyebrows",
    "bushy eyebrows", "bags under eyes", "eyeglasses", "sunglasses", "narrow eyes", "big nose", "pointy nose",
    "high cheekbones", "big lips", "double chin", "no beard", "5 o'clock shadow", "goatee", "mustache", "sideburns",
    "heavy makeup", "earrings", "hat", "lipstick", "necklace", "necktie", "mask",
)  # fmt: skip
ACTIONS = (
    "blow", "chew", "close eyes", "cough", "cry", "drink", "eat", "frown", "gaze", "glare", "head wagging", "kiss",
    "laugh", "listen to music", "look around", "make a face", "nod", "play instrument", "read", "shake head", "shout",
    "sigh", "sing", "sleep", "smile", "smoke", "sneer", "sneeze", "sniff", "talk", "turn", "weep", "whisper", "wink",
    "yawn",
)  # fmt: skip
BASIC_EMOTIONS = ("happy", "sad", "neutral", "angry", "surprise", "disgust", "fear")
MAFW_EMOTIONS = ("anxiety", "surprise", "neutral", "disgust", "sadness", "fear", "contempt", "anger", "helplessness",
                 "disappointment", "happiness")  # fmt: skip
GRADED_EMOTIONS = (
    *(f"{degree} {emotion}" for emotion in ("angry", "contempt", "disgusted", "fear", "happy", "sad", "surprised")
      for degree in ("weak", "medium", "strong")),
    "neutral",
)  # fmt: skip
ACTION_UNITS = tuple(f"AU{unit}" for unit in (1, 2, 4, 6, 7, 10, 12, 15, 23, 24, 25, 26))
SENTIMENTS = ("negative", "neutral", "positive")
GRADED_SENTIMENTS = ("strongly negative", "negative", "weakly negative", "neutral", "weakly positive", "positive",
                     "strongly positive")  # fmt: skip
MICRO_EXPRESSIONS = ("happiness", "repression", "disgust", "surprise", "others")
RELATIONS = ("neutral", "mild", "intimate", "tense", "hostile")


@dataclass(frozen=True)
class Part:
    """One question set. `answers` is the closed answer space, empty where the answer is a tree or comes from `aspects`.

    `aspects` are the aspects of the tree that an open-attribute question asks for, or that a caption is about; `many`
    allows several answers or none.
    """

    name: str
    level: Level
    question: str
    answers: tuple[str, ...] = ()
    many: bool = False
    aspects: tuple[str, ...] = ()
    corpus: str = ""
    size: int = 300


@dataclass(frozen=True)
class Column:
    """One measured figure. `in_paper`: the gate requires it, and it counts in the paper's aggregates."""

    name: str
    task: str
    table: Table
    metric: Metric
    parts: tuple[str, ...]
    in_paper: bool = False


@dataclass(frozen=True)
class Task:
    name: str
    table: Table
    columns: tuple[str, ...]


_CHOOSE_ONE = "Choose one: {answers}."
_CHOOSE_MANY = "Choose all that apply, or none: {answers}."
_OPEN = "What is the {aspect}? " + _CHOOSE_ONE
_OPEN_MANY = "Which {aspect} is there? " + _CHOOSE_MANY


def _open(name: str, *aspects: str, many: bool = False, size: int = 300) -> Part:
    return Part(name, "attribute", _OPEN_MANY if many else _OPEN, many=many, aspects=aspects, corpus="open", size=size)


# fmt: off
PARTS: dict[str, Part] = {
    part.name: part
    for part in (
        Part("appearance", "attribute", f"Which appearance attributes are there? {_CHOOSE_MANY}", APPEARANCE, True,
             corpus="CelebV-HQ", size=500),
        Part("appearance_caption", "attribute", "Describe the appearance.", corpus="CelebV-Text", size=500,
             aspects=("eye colour", "eyebrow thickness", "face shape", "hair colour", "hair length", "skin colour",
                      "facial feature", "accessory", "age", "gender")),
        Part("action", "attribute", f"Which actions are there? {_CHOOSE_MANY}", ACTIONS, True, corpus="CelebV-HQ",
             size=500),
        Part("action_caption", "attribute", "Describe the actions.", corpus="CelebV-Text", size=500,
             aspects=("body action", "head action", "face action")),
        Part("identity", "attribute", f"Is it the same person on both sides? {_CHOOSE_ONE}", ("yes", "no"),
             corpus="MEAD", size=500),
        Part("head_pose", "attribute", f"What is the head pose? {_CHOOSE_ONE}", HEAD_POSES, corpus="MEAD", size=500),
        _open("eyes", "eye colour", "eye size"),
        _open("eyebrows", "eyebrow thickness", "eyebrow angle"),
        _open("mouth", "lip thickness", "lip colour"),
        _open("nose", "nose size", "nose width"),
        _open("hair", "hair colour", "hair length", "hair type"),
        _open("chin", "chin shape"),
        _open("face_shape", "face shape"),
        _open("facial_features", "facial feature", many=True),
        _open("accessories", "accessory", many=True),
        _open("age", "age"),
        _open("gender", "gender"),
        _open("skin", "skin colour", "skin texture"),
        _open("body_actions", "body action", size=107),
        _open("facial_actions", "face action", size=189),
        _open("head_actions", "head action", size=4),
        Part("emotion_dfew", "expression", f"What is the emotion? {_CHOOSE_ONE}", BASIC_EMOTIONS, corpus="DFEW",
             size=100),
        Part("emotion_mafw", "expression", f"What is the emotion? {_CHOOSE_ONE}", MAFW_EMOTIONS, corpus="MAFW",
             size=100),
        Part("emotion_mer", "expression", f"How does the person feel? {_CHOOSE_ONE}", BASIC_EMOTIONS,
             corpus="MER2023", size=100),
        Part("emotion_multi", "expression", f"Which emotions are there? {_CHOOSE_MANY}", MAFW_EMOTIONS, True,
             corpus="MAFW"),
        Part("emotion_mead", "expression", f"What is the emotion, and how strong? {_CHOOSE_ONE}", GRADED_EMOTIONS,
             corpus="MEAD", size=150),
        Part("emotion_ravdess", "expression", f"How strongly does the person feel what? {_CHOOSE_ONE}",
             GRADED_EMOTIONS, corpus="RAVDESS", size=150),
        Part("sentiment", "expression", f"What is the sentiment? {_CHOOSE_ONE}", SENTIMENTS, corpus="MOSEI"),
        Part("sentiment_fine", "expression", f"What is the sentiment, and how strong? {_CHOOSE_ONE}",
             GRADED_SENTIMENTS, corpus="CH-SIMS"),
        Part("micro_expression", "expression", f"Which micro-expression is there? {_CHOOSE_ONE}", MICRO_EXPRESSIONS,
             corpus="CASME", size=246),
        Part("action_units", "expression", f"Which action units are there? {_CHOOSE_MANY}", ACTION_UNITS, True,
             corpus="AffWild2", size=87),
        Part("emotion_caption", "expression", "Describe the expression and the emotion.", corpus="CelebV-Text",
             aspects=("brows", "eyelids", "cheeks", "upper lip", "mouth corners", "lips", "jaw", "course", "emotion",
                      "intensity")),
        Part("conversation", "expression", f"How do the two people get on? {_CHOOSE_ONE}", RELATIONS, corpus="PERR"),
        Part("fine_caption", "emotion", "Describe attributes, expression and emotion in full.", corpus="Emo-CFG",
             size=1300),
        Part("rationale", "emotion", "What is the emotion, and why?", corpus="Emo-CFG", size=1300),
    )
}
# fmt: on

_UNDERSTANDING = ("label_overlap", "clue_overlap", "instruction_adherence", "response_accuracy", "video_text_relevance",
                  "fluency")  # fmt: skip

_paper = partial(Column, in_paper=True)

COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        _paper("appearance_recognition", "appearance", "attribute", "f1", ("appearance",)),
        _paper("appearance_caption", "appearance", "attribute", "judge", ("appearance_caption",)),
        _paper("action_recognition", "action", "attribute", "f1", ("action",)),
        _paper("action_caption", "action", "attribute", "judge", ("action_caption",)),
        _paper("identity", "face_identity", "attribute", "accuracy", ("identity",)),
        _paper("head_pose", "head_pose", "attribute", "accuracy", ("head_pose",)),
        _paper("open_eye", "open_attribute", "attribute", "accuracy", ("eyes", "eyebrows")),
        *(_paper(f"open_{name}", "open_attribute", "attribute", "accuracy", (part,))
          for name, part in (("mouth", "mouth"), ("nose", "nose"), ("hair", "hair"), ("chin", "chin"),
                             ("shape", "face_shape"), ("feature", "facial_features"), ("accessory", "accessories"),
                             ("age", "age"), ("gender", "gender"), ("skin", "skin"))),
        _paper("open_action", "open_attribute", "attribute", "accuracy",
               ("body_actions", "facial_actions", "head_actions")),
        _paper("emotion_single", "emotion", "expression", "accuracy", ("emotion_dfew", "emotion_mafw", "emotion_mer")),
        _paper("emotion_multi", "emotion", "expression", "f1", ("emotion_multi",)),
        _paper("emotion_fine", "emotion", "expression", "accuracy", ("emotion_mead", "emotion_ravdess")),
        _paper("sentiment_single", "sentiment", "expression", "accuracy", ("sentiment",)),
        _paper("sentiment_fine", "sentiment", "expression", "accuracy", ("sentiment_fine",)),
        _paper("micro_expression", "affective_cues", "expression", "accuracy", ("micro_expression",)),
        _paper("action_units", "affective_cues", "expression", "f1", ("action_units",)),
        _paper("emotion_caption", "complex_scenario", "expression", "judge", ("emotion_caption",)),
        _paper("conversation", "complex_scenario", "expression", "accuracy", ("conversation",)),
        *(_paper(name, name, "understanding", "judge", ("fine_caption", "rationale")) for name in _UNDERSTANDING),
    )
}  # fmt: skip

PAPER_COLUMNS: tuple[str, ...] = tuple(column.name for column in COLUMNS.values() if column.in_paper)

TASKS: dict[str, Task] = {
    name: Task(
        name,
        next(column.table for column in COLUMNS.values() if column.task == name),
        tuple(column.name for column in COLUMNS.values() if column.task == name),
    )
    for name in dict.fromkeys(column.task for column in COLUMNS.values())
}
