"""The model: loading and saving Qwen2.5-VL, packing frames, the chat template, prefix trees."""
