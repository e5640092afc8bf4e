"""Architectures of Hugging Face's transformers in small: a configuration of two layers of width 32, wherever it says what these are."""
import torch
import transformers
from transformers import CONFIG_MAPPING, PretrainedConfig

SMALL = dict(
    vocab_size=96, hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, max_position_embeddings=64, num_key_value_heads=2, type_vocab_size=2,
    d_model=32, encoder_layers=2, decoder_layers=2, encoder_attention_heads=4, decoder_attention_heads=4, encoder_ffn_dim=48, decoder_ffn_dim=48, num_decoder_layers=2, head_dim=8,
    dim=32, hidden_dim=48, n_layers=2, n_heads=4, n_layer=2, n_head=4, n_embd=32, n_positions=64, n_inner=48, embedding_size=32, num_layers=2, num_heads=4, d_kv=8, d_ff=48,
    hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0, ffn_hidden_size=48, num_experts=4, num_local_experts=4, num_experts_per_tok=2, moe_intermediate_size=24, sliding_window=4,
    pad_token_id=0, bos_token_id=1, eos_token_id=2, decoder_start_token_id=1, use_cache=False, num_queries=7, encoder_dim=32, emb_dim=32, state_size=8, attention_hidden_size=32,
    image_size=32, patch_size=8, projection_dim=16, num_labels=3, layerdrop=0.0, num_encoder_layers=2, encoder_hidden_dim=48, decoder_ffn=48, shared_expert_intermediate_size=24,
    q_lora_rank=16, kv_lora_rank=16, qk_rope_head_dim=4, qk_nope_head_dim=8, v_head_dim=8, n_routed_experts=4, n_group=1, topk_group=1, first_k_dense_replace=1,
)


def config(kind, **given):
    """The configuration of a kind of model, SMALL where it has such a setting; `given` overrules. Nested configurations are dicts in `given`."""
    cls = CONFIG_MAPPING[kind] if isinstance(kind, str) else kind
    default = cls()
    values = {}
    for key, value in SMALL.items():
        current = getattr(default, key, None)
        if hasattr(default, key) and key not in default.attribute_map and not isinstance(getattr(type(default), key, None), property) and not isinstance(current, (list, tuple, dict)): values[key] = value
    for name in getattr(cls, "sub_configs", {}):
        part = getattr(default, name, None)
        if isinstance(given.get(name), PretrainedConfig): continue
        if isinstance(part, PretrainedConfig): values[name] = config(type(part), **(given.pop(name, None) or {})).to_dict()
    values.update(given)
    return cls(**values)


def model(kind, head="AutoModel", attention=None, **given):
    c = config(kind, **given)
    made = getattr(transformers, head)
    extra = {"attn_implementation": attention} if attention else {}
    return (made.from_config(c, **extra) if head.startswith("Auto") else made._from_config(c, **extra)).eval()
