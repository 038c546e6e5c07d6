"""Which answers say anything that can be scored."""

import pytest

from videmo.tasks.catalog import PARTS
from videmo.tasks.questions import ask
from videmo.tasks.scoring import is_readable

TREE = "<attribute>age: young</attribute><expression></expression><emotion>emotion: fear</emotion>"


@pytest.mark.parametrize(
    ("part", "aspect", "answer", "readable"),
    [
        ("fine_caption", None, TREE, True),
        ("fine_caption", None, "a young woman is afraid", False),
        ("hair", "hair length", "long", True),
        ("hair", "hair length", "red", False),  # a colour
        ("hair", "hair colour", "red", True),
        ("emotion_dfew", None, "sad", True),
        ("emotion_dfew", None, "cheerful", False),
    ],
)
def test_an_answer_is_readable_if_it_names_an_answer_to_its_question(part, aspect, answer, readable):
    assert is_readable(part, ask(PARTS[part], aspect), answer) == readable
