"""Scores of answers, and who gave them. The only judge so far is `rules`, which reads the answers and their trees."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from videmo.evaluation.predictions import Prediction
from videmo.evaluation.statistics import MEASURES, Scores
from videmo.tasks.scoring import JUDGE, score_answer

JUDGES = {JUDGE: score_answer}
_MEASURE = {measure: index for index, measure in enumerate(MEASURES)}


def score(predictions: Sequence[Prediction], judge: str = JUDGE) -> Scores:
    """Score every answer in every column it counts in.

    Raises ValueError on an unknown judge, or where a question or reference is not one of face-15.
    """
    if judge not in JUDGES:
        raise ValueError(f"evaluation.judge = {judge}: no such judge; there is {', '.join(JUDGES)}")
    given = JUDGES[judge]
    known: dict[tuple[str, str, str, str], dict[str, float]] = {}
    rows: list[tuple[str, int, str, float]] = []
    for prediction in predictions:
        asked = (prediction.part, prediction.question, prediction.response, prediction.reference)
        if asked not in known:  # a few answers make up most of a file
            known[asked] = given(*asked)
        for column, value in known[asked].items():
            rows.append((prediction.id, _MEASURE[column, prediction.part], prediction.cluster, value))
    samples, measures, clusters, values = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Scores(judge, samples, np.array(measures, dtype=int), clusters, np.array(values, dtype=float))
