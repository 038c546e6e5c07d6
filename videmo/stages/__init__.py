"""Stages: their digests, their outputs (complete or absent), and what they depend on outside the store."""
