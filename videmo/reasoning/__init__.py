"""Hierarchical affective-tree reasoning at inference."""
