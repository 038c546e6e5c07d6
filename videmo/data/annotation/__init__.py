"""Annotation: labels become trees, and trees become captions and rationales."""
