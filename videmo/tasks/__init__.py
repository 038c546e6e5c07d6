"""Face-15: the catalogue of columns, their questions and answers, and the metrics. Pure."""
