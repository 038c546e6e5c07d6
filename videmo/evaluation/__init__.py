"""Face-15 evaluation: answers, scores, intervals and the report of a run."""
