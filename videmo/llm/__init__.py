"""Whatever asks a large model: the client, prompts, captions read into trees."""
