"""The score of one answer in the columns it counts in, by metric: the answer and the reference are both texts."""

from __future__ import annotations

from videmo.tasks.catalog import PARTS, Column
from videmo.tasks.metrics import accuracy, columns_of, f1
from videmo.tasks.questions import aspect_of, read_answer
from videmo.tasks.understanding import caption_score, understanding_scores
from videmo.tree.text import parse

JUDGE = "rules"


def score_answer(part: str, question: str, answer: str, reference: str) -> dict[str, float]:
    """Scores 0..100 by column, of one answer to a question of a part.

    Judge columns are scored by the `rules` judge. Raises ValueError on an unknown part, a question that is not the
    part's, or a reference that cannot be read: those are faults of the data, not of the model.
    """
    if part not in PARTS:
        raise ValueError(f"no such part: {part!r}; there are {', '.join(PARTS)}")
    columns = columns_of(part)
    if is_judged(part):
        return _judged(part, columns, answer, reference)
    aspect = aspect_of(PARTS[part], question)
    wanted = read_answer(reference, PARTS[part], aspect)
    if wanted is None:
        raise ValueError(f"{part}: the reference {reference!r} names none of its answers")
    chosen = read_answer(answer, PARTS[part], aspect)
    return {column.name: (f1 if column.metric == "f1" else accuracy)(chosen, wanted) for column in columns}


def is_judged(part: str) -> bool:
    """Whether the answers of a part are trees, whose scores are a judge's."""
    return columns_of(part)[0].metric == "judge"


def is_readable(part: str, question: str, answer: str) -> bool:
    """Whether an answer says anything that `score_answer` understands: a level of a tree, an answer of the space."""
    if is_judged(part):
        return bool(parse(answer).levels)
    return read_answer(answer, PARTS[part], aspect_of(PARTS[part], question)) is not None


def _judged(part: str, columns: tuple[Column, ...], answer: str, reference: str) -> dict[str, float]:
    read = parse(reference)
    if read.problems or not read.levels:
        raise ValueError(f"{part}: the reference {reference!r} is not a tree: {read.problems}")
    if not any(column.table == "understanding" for column in columns):
        return dict.fromkeys((column.name for column in columns), caption_score(answer, read.tree))
    scores = understanding_scores(answer, read.tree)
    return {column.name: scores[column.name] for column in columns}
