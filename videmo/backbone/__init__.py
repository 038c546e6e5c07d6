"""Models: one interface, a folder for each family, the check of a model's files, and prefix trees."""
