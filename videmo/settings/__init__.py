"""What a run may be told: models by concern, files that stack, errors that help."""
