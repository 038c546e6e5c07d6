"""Clips: sources of videos, decoding, samples, shards, validation."""
