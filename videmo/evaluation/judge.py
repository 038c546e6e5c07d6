"""Score answers with a judge: `rules`, which compares answers and trees, or a large model.

Either way only the columns whose metric is a judge depend on it; accuracy and F1 are computed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from videmo.evaluation.predictions import Prediction, clusters_of
from videmo.evaluation.statistics import MEASURES, Scores
from videmo.llm.client import Client, connect
from videmo.llm.scoring_prompts import Answered, opinions
from videmo.settings.evaluation import Scoring
from videmo.settings.execution import EndpointLimits
from videmo.tasks.metrics import columns_of
from videmo.tasks.scoring import JUDGE, is_judged, is_readable, score_answer

Asked = tuple[str, str, str, str]  # part, question, answer, reference
_MEASURE = {measure: index for index, measure in enumerate(MEASURES)}


@dataclass(frozen=True)
class Judge:
    """`give`: the scores 0..100 of each answer by column. Scores of judges with different names are never compared."""

    name: str
    give: Callable[[Sequence[Asked]], list[dict[str, float]]]


RULES = Judge(JUDGE, lambda answers: [score_answer(*answer) for answer in answers])


def choose_judge(settings: Scoring, limits: EndpointLimits) -> Judge:
    """The judge that the settings name. Raises SettingError if the key of its endpoint is missing."""
    if settings.judge == JUDGE:
        return RULES
    assert settings.endpoint is not None
    return endpoint_judge(connect(settings.endpoint, limits, "evaluation.endpoint"))


def endpoint_judge(client: Client) -> Judge:
    """A large model; its name says which and where."""

    def give(answers: Sequence[Asked]) -> list[dict[str, float]]:
        judged = [_answered(*answer) for answer in answers if is_judged(answer[0])]
        replies = iter(opinions(judged, client.ask))
        return [
            {column.name: float(score) for column, score in zip(columns_of(answer[0]), next(replies), strict=True)}
            if is_judged(answer[0])
            else score_answer(*answer)
            for answer in answers
        ]

    return Judge(f"endpoint:{client.name}", give)


def score(predictions: Sequence[Prediction], judge: Judge = RULES) -> Scores:
    """Score every answer in every column it counts in.

    Raises ValueError if a question or reference is not one of face-15, EndpointError if the judge does not
    answer or its limit of requests is reached; its replies are cached, and the next run asks for the rest.
    """
    answers = [(p.part, p.question, p.response, p.reference) for p in predictions]
    different = list(dict.fromkeys(answers))  # a few answers make up most of a file
    known = dict(zip(different, judge.give(different), strict=True))
    cluster = clusters_of(predictions)
    rows = [
        (prediction.id, _MEASURE[column, prediction.part], cluster[prediction.clip], value)
        for prediction, answer in zip(predictions, answers, strict=True)
        for column, value in known[answer].items()
    ]
    samples, measures, clusters, values = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Scores(judge.name, samples, np.array(measures, dtype=int), clusters, np.array(values, dtype=float))


def count_unread(predictions: Iterable[Prediction]) -> dict[str, tuple[int, int]]:
    """How many answers the `rules` judge cannot read, of how many: trees, and other answers."""
    answers = Counter((p.part, p.question, p.response) for p in predictions)
    counts = {"trees": [0, 0], "other answers": [0, 0]}
    for (part, question, response), times in answers.items():
        count = counts["trees" if is_judged(part) else "other answers"]
        count[0] += 0 if is_readable(part, question, response) else times
        count[1] += times
    return {kind: (unread, total) for kind, (unread, total) in counts.items()}


def _answered(part: str, question: str, answer: str, reference: str) -> Answered:
    """A caption is scored by how far it agrees, a full account by the six measures of understanding."""
    criteria = tuple(c.name if c.table == "understanding" else "agreement" for c in columns_of(part))
    return Answered(question, answer, reference, criteria)
