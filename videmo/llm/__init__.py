"""Asking a large model: the client, scoring prompts, captions converted to trees."""
