"""Curriculum fine-tuning and tree reinforcement learning."""
