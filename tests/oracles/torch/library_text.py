"""Language models of transformers: encoders, decoders, and both."""
import torch
from small_transformers import model

# Sizes 0 are run, sizes 1 are those that programs with free sizes are exported with.
SIZES = ((2, 9), (3, 12))
MODELS = {}


def sequences(which, kinds="im"):
    """i: numbers of tokens, m: which are there (the second row is shorter), d: tokens of the decoder."""
    n, length = SIZES[which]
    torch.manual_seed(5 + which)
    mask = torch.ones(n, length, dtype=torch.int64)
    mask[1, -2:] = 0
    table = {"i": torch.randint(3, 90, (n, length)), "m": mask, "d": torch.randint(3, 90, (n, length - 4)), "t": (torch.arange(length) > 4).long().expand(n, length).contiguous(),
             "b": torch.randint(0, 30, (n, length, 4)).cumsum(-1)}
    return tuple(table[k] for k in kinds)


NAMES = {"i": "input_ids", "m": "attention_mask", "d": "decoder_input_ids", "t": "token_type_ids", "b": "bbox"}


def add(name, kind, head="AutoModel", inputs="im", pick=None, more=None, **given):
    MODELS[name] = lambda: dict(model=model(kind, head, **given), names=[NAMES[k] for k in inputs], inputs=lambda w: sequences(w, inputs), pick=pick, more=more or {},
                                free=[{0: "n", 1: "length" + ("d" if k == "d" else "")} for k in inputs])


for kind, head, given in [
    ("bert", "AutoModelForSequenceClassification", {}), ("bert", "AutoModelForTokenClassification", dict(attention="eager")), ("roberta", "AutoModelForMaskedLM", {}), ("xlm-roberta", "AutoModelForQuestionAnswering", {}),
    ("distilbert", "AutoModelForSequenceClassification", {}), ("albert", "AutoModel", dict(embedding_size=16)), ("electra", "AutoModelForPreTraining", dict(embedding_size=16)),
    ("deberta", "AutoModel", dict(relative_attention=True, max_relative_positions=8, pos_att_type=["c2p", "p2c"], position_biased_input=False, type_vocab_size=0)),
    ("deberta-v2", "AutoModelForSequenceClassification", dict(relative_attention=True, position_buckets=8, norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False, type_vocab_size=0)),
    ("mpnet", "AutoModel", {}), ("camembert", "AutoModel", {}), ("longformer", "AutoModel", dict(attention_window=4)), ("big_bird", "AutoModel", dict(attention_type="original_full")), ("squeezebert", "AutoModel", {}),
    ("funnel", "AutoModel", dict(block_sizes=[1, 1], num_decoder_layers=1, d_head=8, d_inner=48)), ("convbert", "AutoModel", dict(embedding_size=16)), ("mobilebert", "AutoModel", dict(embedding_size=16, intra_bottleneck_size=16, true_hidden_size=16)),
    ("nystromformer", "AutoModel", dict(num_landmarks=3, segment_means_seq_len=9)), ("roformer", "AutoModel", {}), ("ibert", "AutoModel", {}), ("fnet", "AutoModel", {}), ("xlnet", "AutoModel", dict(d_inner=48)), ("xlm", "AutoModel", {}), ("flaubert", "AutoModel", {}),
    ("esm", "AutoModelForMaskedLM", dict(position_embedding_type="rotary", token_dropout=True, mask_token_id=4)), ("rembert", "AutoModel", dict(input_embedding_size=16)), ("megatron-bert", "AutoModel", {}),
    ("modernbert", "AutoModelForSequenceClassification", dict(local_attention=4)), ("nomic_bert", "AutoModel", {}), ("eurobert", "AutoModel", {}), ("luke", "AutoModel", dict(entity_vocab_size=8, entity_emb_size=8)), ("canine", "AutoModel", dict(downsampling_rate=2, num_hash_functions=2, num_hash_buckets=16, local_transformer_stride=4, upsampling_kernel_size=3)),
    ("splinter", "AutoModel", {}), ("ernie", "AutoModel", {}), ("data2vec-text", "AutoModel", {}), ("yoso", "AutoModel", dict(use_expectation=True)), ("reformer", "AutoModel", dict(attn_layers=["local", "local"], axial_pos_embds=False, attention_head_size=8, feed_forward_size=48, local_attn_chunk_length=3, is_decoder=False)),
    ("bert-generation", "AutoModel", {}), ("roberta-prelayernorm", "AutoModel", {}), ("xmod", "AutoModel", dict(languages=("en_XX",), default_language="en_XX")), ("jina_embeddings_v3", "AutoModel", {}), ("dpr", "DPRQuestionEncoder", {}),
]:
    add(kind.replace("-", "_") + ("_eager" if "attention" in given else ""), kind, head, "im", **given)
for kind in ("layoutlm", "lilt", "bros"): add(kind, kind, "AutoModel", "imb")

LOGITS = lambda r: r.logits
for kind, given in [
    ("gpt2", {}), ("gpt2", dict(attention="eager")), ("gpt_neo", dict(attention_types=[[["global", "local"], 1]], window_size=4)), ("gpt_neox", dict(rotary_pct=0.5)), ("gptj", dict(rotary_dim=4)), ("opt", dict(word_embed_proj_dim=32, ffn_dim=48)), ("bloom", {}),
    ("llama", {}), ("llama", dict(attention="eager")), ("llama", dict(rope_parameters=dict(rope_type="llama3", rope_theta=500000.0, factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16))), ("mistral", {}), ("qwen2", {}), ("qwen3", {}), ("gemma", {}), ("gemma2", {}), ("gemma3_text", {}), ("phi", {}), ("phi3", {}),
    ("falcon", dict(alibi=False)), ("falcon", dict(alibi=True, new_decoder_architecture=True)), ("mamba", {}), ("mamba2", dict(head_dim=16, num_heads=4, n_groups=1, chunk_size=4)), ("rwkv", dict(context_length=16)), ("mpt", dict(max_seq_len=32)), ("stablelm", {}), ("starcoder2", {}), ("olmo", {}), ("olmo2", {}), ("cohere", {}), ("cohere2", {}), ("granite", {}),
    ("mixtral", {}), ("qwen2_moe", {}), ("qwen3_moe", {}), ("olmoe", {}), ("gpt_oss", {}), ("deepseek_v3", dict(head_dim=4, num_key_value_heads=4)), ("deepseek_v2", dict(head_dim=4, num_key_value_heads=4)), ("jamba", dict(attn_layer_period=2, attn_layer_offset=1, expert_layer_period=2, expert_layer_offset=1, mamba_d_state=4, use_mamba_kernels=False)), ("recurrent_gemma", dict(lru_width=32, block_types=["recurrent", "attention"], attention_window_size=4)), ("codegen", dict(rotary_dim=4)), ("ctrl", dict(dff=48)),
    ("openai-gpt", {}), ("biogpt", {}), ("xglm", dict(attention_heads=4, ffn_dim=48)), ("glm", {}), ("glm4", {}), ("exaone4", {}), ("helium", {}), ("nemotron", {}), ("persimmon", {}), ("smollm3", {}), ("lfm2", dict(block_multiple_of=8, full_attn_idxs=[1])), ("gpt_bigcode", {}), ("falcon_mamba", {}), ("bamba", dict(mamba_n_heads=8, mamba_d_head=8, mamba_d_state=8, mamba_chunk_size=4, attn_layer_indices=[1])),
    ("ernie4_5", {}), ("diffllama", {}), ("seed_oss", {}), ("arcee", {}), ("bitnet", {}), ("hunyuan_v1_dense", {}), ("qwen3_next", dict(linear_num_key_heads=2, linear_num_value_heads=4, linear_key_head_dim=8, linear_value_head_dim=8, layer_types=["linear_attention", "full_attention"])), ("apertus", {}), ("vaultgemma", {}), ("dots1", {}), ("flex_olmo", {}), ("bart", dict(is_decoder=True, is_encoder_decoder=False)), ("trocr", dict(use_learned_position_embeddings=True, cross_attention_hidden_size=32)), ("bert", dict(is_decoder=True)), ("nanochat", {}), ("afmoe", {}), ("doge", {}), ("modernbert-decoder", {}),
]:
    name = kind.replace("-", "_") + ("_eager" if "attention" in given else "_llama3" if "rope_parameters" in given else "_alibi" if given.get("alibi") else "_decoder" if kind in ("bart", "bert") else "")
    add(name if name not in MODELS else name + "_lm", kind, {"trocr": "TrOCRForCausalLM", "gemma3_text": "Gemma3ForCausalLM"}.get(kind, "AutoModelForCausalLM"), "i" if kind in ("rwkv", "xlstm", "trocr") else "im", pick=LOGITS, more={"use_cache": False}, **given)

for kind, given in [
    ("t5", {}), ("mt5", dict(feed_forward_proj="gated-gelu")), ("umt5", {}), ("longt5", dict(local_radius=4, encoder_attention_type="local")), ("switch_transformers", dict(num_sparse_encoder_layers=1, num_sparse_decoder_layers=1)), ("bart", {}), ("mbart", {}), ("marian", dict(decoder_vocab_size=96)), ("pegasus", {}), ("blenderbot", {}), ("blenderbot-small", {}), ("m2m_100", {}),
    ("prophetnet", dict(num_encoder_layers=2, num_decoder_layers=2, num_encoder_attention_heads=4, num_decoder_attention_heads=4, ngram=2)), ("led", dict(attention_window=4)), ("plbart", {}), ("bigbird_pegasus", dict(attention_type="original_full")), ("mvp", {}), ("fsmt", dict(src_vocab_size=96, tgt_vocab_size=96, langs=["en", "de"])), ("pegasus_x", dict(num_global_tokens=3, block_size=4)),
]:
    add(kind.replace("-", "_"), kind, "AutoModelForSeq2SeqLM", "imd", pick=LOGITS, more={"use_cache": False}, **given)


class WithPast(torch.nn.Module):
    """A decoder step by step: keys and values of the tokens before go in and come out."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask, k0, v0, k1, v1):
        from transformers import DynamicCache
        cache = DynamicCache([(k0, v0), (k1, v1)])
        y = self.model(input_ids=input_ids, attention_mask=attention_mask, past_key_values=cache, use_cache=True)
        layers = y.past_key_values.layers
        return y.logits, layers[0].keys, layers[0].values, layers[1].keys, layers[1].values


def past(which, heads):
    n, length = SIZES[which]
    torch.manual_seed(5 + which)
    mask = torch.ones(n, length + 1, dtype=torch.int64)
    mask[1, :2] = 0
    return (torch.randint(3, 90, (n, 1)), mask) + tuple(torch.randn(n, heads, length, 8) for _ in range(4))


for kind, heads, given in [("gpt2", 4, {}), ("llama", 2, {}), ("qwen3", 2, {}), ("gemma2", 2, dict(sliding_window=64)), ("phi3", 2, dict(sliding_window=64)), ("gpt_neox", 4, {}), ("opt", 4, dict(word_embed_proj_dim=32, ffn_dim=48))]:
    MODELS[f"{kind}_past"] = lambda kind=kind, heads=heads, given=given: dict(model=WithPast(model(kind, "AutoModelForCausalLM", **given)), inputs=lambda w: past(w, heads), free=[{0: "n"}, {0: "n", 1: "all"}] + [{0: "n", 2: "past"}] * 4)
