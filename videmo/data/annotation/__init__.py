"""Annotation: from labels to trees, and from a tree to what a caption or a rationale says of it."""
