"""From videos and labels to a checked data set: sources, decoding, samples, shards, validation."""
