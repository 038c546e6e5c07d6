"""The affective tree: model, vocabulary, text, edit distance, reward. Pure: no torch, no I/O."""
