"""The tensors of a Qwen2.5-VL, from its config.json alone: what a file of weights is held against before it is loaded.

Names are those of published files (`model.layers`, `visual`); transformers calls the same modules
`model.language_model.layers` and `model.visual`, and some files do so too.
"""

from __future__ import annotations

from videmo.backbone.family import Json, Shape, number, section

DEEPEST = 1000  # layers


def shapes(config: Json) -> dict[str, Shape]:
    """Every tensor and its shape. Raises ValueError where `config` does not describe a Qwen2.5-VL."""
    # Published files hold the language model's settings at the top, those that transformers 5 writes in a section.
    text = section(config, "text_config") if "text_config" in config else config
    vision = section(config, "vision_config")
    return {**_language_model(text, _tied(config, text)), **_tower(vision)}


def stored(name: str) -> str:
    """The published name of a tensor."""
    for ours, published in (("model.language_model.", "model."), ("model.visual.", "visual.")):
        if name.startswith(ours):
            return published + name.removeprefix(ours)
    return name


def _tied(config: Json, text: Json) -> bool:
    return bool(config.get("tie_word_embeddings") or text.get("tie_word_embeddings"))


def _language_model(text: Json, tied: bool) -> dict[str, Shape]:
    hidden, wide = number(text, "hidden_size"), number(text, "intermediate_size")
    heads, vocabulary = number(text, "num_attention_heads"), number(text, "vocab_size", most=10_000_000)
    keys = number(text, "num_key_value_heads", heads) * (hidden // heads)
    if hidden % heads:
        raise ValueError(f"config.json: hidden_size = {hidden} is no multiple of num_attention_heads = {heads}")
    found: dict[str, Shape] = {"model.embed_tokens.weight": (vocabulary, hidden), "model.norm.weight": (hidden,)}
    if not tied:
        found["lm_head.weight"] = (vocabulary, hidden)
    layer: dict[str, Shape] = {
        "input_layernorm.weight": (hidden,),
        "post_attention_layernorm.weight": (hidden,),
        "self_attn.q_proj.weight": (hidden, hidden),
        "self_attn.q_proj.bias": (hidden,),
        "self_attn.k_proj.weight": (keys, hidden),
        "self_attn.k_proj.bias": (keys,),
        "self_attn.v_proj.weight": (keys, hidden),
        "self_attn.v_proj.bias": (keys,),
        "self_attn.o_proj.weight": (hidden, hidden),
        "mlp.gate_proj.weight": (wide, hidden),
        "mlp.up_proj.weight": (wide, hidden),
        "mlp.down_proj.weight": (hidden, wide),
    }
    for index in range(number(text, "num_hidden_layers", most=DEEPEST)):
        found |= {f"model.layers.{index}.{name}": shape for name, shape in layer.items()}
    return found


def _tower(vision: Json) -> dict[str, Shape]:
    hidden, wide = number(vision, "hidden_size"), number(vision, "intermediate_size")
    patch, frames = number(vision, "patch_size", 14), number(vision, "temporal_patch_size", 2)
    channels = number(vision, "in_channels", number(vision, "in_chans", 3))
    merged, out = hidden * number(vision, "spatial_merge_size", 2) ** 2, number(vision, "out_hidden_size")
    found: dict[str, Shape] = {
        "visual.patch_embed.proj.weight": (hidden, channels, frames, patch, patch),
        "visual.merger.ln_q.weight": (hidden,),
        "visual.merger.mlp.0.weight": (merged, merged),
        "visual.merger.mlp.0.bias": (merged,),
        "visual.merger.mlp.2.weight": (out, merged),
        "visual.merger.mlp.2.bias": (out,),
    }
    block: dict[str, Shape] = {
        "norm1.weight": (hidden,),
        "norm2.weight": (hidden,),
        "attn.qkv.weight": (3 * hidden, hidden),
        "attn.qkv.bias": (3 * hidden,),
        "attn.proj.weight": (hidden, hidden),
        "attn.proj.bias": (hidden,),
        "mlp.gate_proj.weight": (wide, hidden),
        "mlp.gate_proj.bias": (wide,),
        "mlp.up_proj.weight": (wide, hidden),
        "mlp.up_proj.bias": (wide,),
        "mlp.down_proj.weight": (hidden, wide),
        "mlp.down_proj.bias": (hidden,),
    }
    for index in range(number(vision, "depth", most=DEEPEST)):
        found |= {f"visual.blocks.{index}.{name}": shape for name, shape in block.items()}
    return found
