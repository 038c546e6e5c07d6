"""The paper's own ablation (VidEmo, Zhang et al. 2025, arXiv 2511.02712), with Qwen2.5-VL-7B on Emo-CFG.

Its averages are over columns, as those of our tables are, but of other data by other judges: the two are shown side by
side for the order of the settings and never computed with.
"""

COLUMNS = ("avg", "att", "exp", "emo")  # the plain mean of the three others; 20, 13 and 6 columns
PAPER = {
    "base": (51.4, 63.5, 27.3, 63.6),
    "attribute_only": (40.7, 65.7, 24.1, 32.4),
    "expression_only": (42.2, 52.9, 31.6, 42.1),
    "emotion_only": (53.9, 64.3, 30.2, 67.3),
    "attribute_expression": (52.6, 77.2, 35.1, 45.5),
    "curriculum": (61.9, 79.5, 38.7, 67.5),
    "chain_grpo": (51.2, 75.7, 33.8, 44.2),  # "GRPO without the tree"
    "tree_grpo": (63.6, 81.3, 40.1, 69.3),  # "with the tree and its edit distance"; how it rolls out is not stated
    "reasoning_2": (65.1, 82.9, 42.3, 70.1),
    "reasoning_4": (66.2, 84.2, 43.2, 71.2),
    "reasoning_8": (67.0, 84.5, 43.8, 72.9),
}
