"""Drawn faces with exact ground truth: people, scripts, action units, frames, labels and trees."""
