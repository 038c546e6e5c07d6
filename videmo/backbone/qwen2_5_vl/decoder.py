"""One token a row through a Qwen2.5-VL decoder. Most of sampling is this, and where a model is small, or its rows are
few, most of the time went into what transformers wraps around each layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional as F

from videmo.backbone.policy import KeyValues

if TYPE_CHECKING:
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLRMSNorm, Qwen2_5_VLTextModel


def one_token(decoder: Qwen2_5_VLTextModel, cache: KeyValues, embeds: Tensor, mask: Tensor) -> Tensor:
    """What transformers' `decoder` (Qwen2_5_VLTextModel) makes of one new column, computed as it does, without
    gradient, dropout or sliding windows.

    embeds: (rows, hidden), at the positions `cache.position`, which are a text's: the same on all three axes.
    mask: (rows, 1, 1, columns) additive, the new column included. Returns (rows, hidden).
    """
    rows, heads = len(embeds), decoder.config.num_attention_heads
    cos, sin = decoder.rotary_emb(embeds, cache.position[None, :, None])
    cos, sin = cos[:, None], sin[:, None]
    hidden = embeds
    for number, layer in enumerate(decoder.layers):
        attention = layer.self_attn
        normed = _norm(layer.input_layernorm, hidden)
        joint = torch.cat([attention.q_proj(normed), attention.k_proj(normed)], dim=1)
        joint = joint.view(rows, -1, 1, attention.head_dim)
        joint = joint * cos + _rotated(joint) * sin
        value = attention.v_proj(normed).view(rows, -1, 1, attention.head_dim)
        keys, values = cache.update(joint[:, heads:], value, number)
        # Queries that share keys stand side by side, as if they were several tokens.
        query = joint[:, :heads].reshape(rows, keys.shape[1], -1, attention.head_dim)
        found = F.scaled_dot_product_attention(query, keys, values, mask, scale=attention.scaling)
        hidden = hidden + attention.o_proj(found.reshape(rows, -1))
        hidden = hidden + layer.mlp(_norm(layer.post_attention_layernorm, hidden))
    return _norm(decoder.norm, hidden)


def _norm(module: Qwen2_5_VLRMSNorm, hidden: Tensor) -> Tensor:
    scaled = F.rms_norm(hidden.float(), hidden.shape[-1:], eps=module.variance_epsilon)
    return module.weight * scaled.to(hidden.dtype)


def _rotated(vectors: Tensor) -> Tensor:
    first, second = vectors.chunk(2, dim=-1)
    return torch.cat([-second, first], dim=-1)
