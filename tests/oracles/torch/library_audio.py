"""Models of transformers for sound and for series of numbers."""
import torch
from torch import nn
from small_transformers import config, model

MODELS = {}


def sound(length=800):
    def make(which):
        torch.manual_seed(13 + which)
        return (torch.randn(1 + which, length + 160 * which),)
    return make


def noise(*shape, other=None):
    def make(which):
        torch.manual_seed(13 + which)
        return (torch.randn(*((other or (shape[0] + 1,) + shape[1:]) if which else shape)),)
    return make


def add(name, kind, head="AutoModel", inputs=None, names=("input_values",), pick=None, free=None, more=None, **given):
    MODELS[name] = lambda: dict(model=model(kind, head, **given), names=names, inputs=inputs or sound(), pick=pick, free=free or [{0: "n", 1: "length"}], more=more or {})


CONV = dict(conv_dim=[16, 16, 16], conv_kernel=[10, 3, 2], conv_stride=[5, 2, 2], num_feat_extract_layers=3, num_conv_pos_embeddings=8, num_conv_pos_embedding_groups=2)
LOGITS = lambda r: r.logits
LAST = lambda r: r.last_hidden_state
for kind in ("wav2vec2", "hubert", "wavlm", "unispeech", "unispeech-sat", "data2vec-audio", "wav2vec2-conformer", "sew", "sew-d"):
    add(kind.replace("-", "_"), kind, "AutoModelForCTC", pick=LOGITS, **{**CONV, **(dict(squeeze_factor=2) if "sew" in kind else {}), **(dict(position_buckets=8, max_position_embeddings=32) if kind == "sew-d" else {}), **(dict(conv_depthwise_kernel_size=3) if "conformer" in kind else {})})
add("wav2vec2_stable", "wav2vec2", "AutoModelForAudioFrameClassification", pick=LOGITS, do_stable_layer_norm=True, feat_extract_norm="layer", conv_bias=True, **CONV)
add("wav2vec2_bert", "wav2vec2-bert", "AutoModelForCTC", noise(1, 20, 16, other=(2, 24, 16)), ("input_features",), LOGITS, feature_projection_input_dim=16, conv_depthwise_kernel_size=3, left_max_position_embeddings=8, right_max_position_embeddings=4, add_adapter=True)
WHISPER = dict(num_mel_bins=8, max_source_positions=20, max_target_positions=24)
add("whisper_encoder", "whisper", "AutoModel", noise(1, 8, 40), ("input_features",), more={"decoder_input_ids": torch.tensor([[1]]), "use_cache": False}, pick=lambda r: r.encoder_last_hidden_state, free=[None], **WHISPER)
add("whisper", "whisper", "AutoModelForSpeechSeq2Seq", lambda w: noise(1, 8, 40)(w) + (torch.randint(3, 90, (1 + w, 5 + w), generator=torch.Generator().manual_seed(w)),), ("input_features", "decoder_input_ids"), LOGITS, [{0: "n"}, {0: "n", 1: "length"}], {"use_cache": False}, **WHISPER)
add("speech_to_text", "speech_to_text", "AutoModelForSpeechSeq2Seq", lambda w: noise(1, 40, 8, other=(2, 44, 8))(w) + (torch.randint(3, 90, (1 + w, 5), generator=torch.Generator().manual_seed(w)),), ("input_features", "decoder_input_ids"), LOGITS, [{0: "n", 1: "frames"}, {0: "n", 1: "length"}], {"use_cache": False}, input_feat_per_channel=8, conv_channels=16, max_source_positions=64, max_target_positions=32)
SPEECH = dict(encoder_ffn_dim=48, decoder_ffn_dim=48, speech_decoder_prenet_units=16, num_mel_bins=8, speaker_embedding_dim=16, speech_decoder_postnet_units=16, max_text_positions=32, max_speech_positions=32, encoder_max_relative_position=8, **CONV)
add("speecht5_asr", "speecht5", "SpeechT5ForSpeechToText", lambda w: sound()(w) + (torch.randint(3, 80, (1 + w, 5), generator=torch.Generator().manual_seed(w)),), ("input_values", "decoder_input_ids"), LOGITS, [{0: "n", 1: "length"}, {0: "n", 1: "tokens"}], {"use_cache": False}, **{**SPEECH, "vocab_size": 81})
VITS = dict(hidden_size=32, ffn_dim=48, flow_size=32, spectrogram_bins=9, upsample_initial_channel=32, upsample_rates=[4, 2], upsample_kernel_sizes=[8, 4], resblock_kernel_sizes=[3], resblock_dilation_sizes=[[1, 3]], depth_separable_num_layers=2, prior_encoder_num_flows=2, prior_encoder_num_wavenet_layers=2, posterior_encoder_num_wavenet_layers=2, duration_predictor_num_flows=2, wavenet_dilation_rate=1, noise_scale=0.0, noise_scale_duration=0.0)
add("vits", "vits", "VitsModel", lambda w: (torch.randint(1, 30, (1, 6 + w), generator=torch.Generator().manual_seed(w)),), ("input_ids",), lambda r: r.waveform, [{1: "length"}], **{**VITS, "vocab_size": 38, "use_stochastic_duration_prediction": False})
add("vits_stochastic", "vits", "VitsModel", lambda w: (torch.randint(1, 30, (1, 6 + w), generator=torch.Generator().manual_seed(w)),), ("input_ids",), lambda r: r.waveform, [{1: "length"}], **{**VITS, "vocab_size": 38})


class Part(nn.Module):
    """One method of a model, or several layers in turn."""

    def __init__(self, model, call):
        super().__init__()
        self.model, self.call = model, call

    def forward(self, x, y=None):
        return self.call(self.model, x) if y is None else self.call(self.model, x, y)


def part(name, make, call, inputs, free=None):
    """Weights as the library fills them: those of normalized convolutions and codebooks follow from each other."""
    MODELS[name] = lambda: dict(model=Part(make(), call), inputs=inputs, free=free or [None], randomize=False)


ENCODEC = lambda: model("encodec", num_filters=4, hidden_size=16, codebook_size=32, codebook_dim=16, upsampling_ratios=[4, 2], num_lstm_layers=1, target_bandwidths=[120.0], normalize=False)
part("encodec_encoder", ENCODEC, lambda m, x: m.encoder(x), noise(1, 1, 160, other=(2, 1, 200)), [{0: "n", 2: "length"}])
part("encodec_encode", ENCODEC, lambda m, x: m.encode(x, torch.ones_like(x, dtype=torch.bool), return_dict=False)[0], noise(1, 1, 160))
part("encodec_decode", ENCODEC, lambda m, codes: m.decode(codes, [None], return_dict=False)[0], lambda w: (torch.randint(0, 32, (1, 1, 4, 20), generator=torch.Generator().manual_seed(w)),))
DAC = lambda: model("dac", encoder_hidden_size=8, downsampling_ratios=[2, 4], decoder_hidden_size=32, upsampling_ratios=[4, 2], n_codebooks=2, codebook_size=32, codebook_dim=4, hidden_size=32)
part("dac_encode", DAC, lambda m, x: (lambda r: (r.quantized_representation, r.audio_codes))(m.encode(x)), noise(1, 1, 160))
part("dac_decode", DAC, lambda m, x: m.decode(x).audio_values, noise(1, 32, 20))
add("mimi", "mimi", "MimiModel", noise(1, 1, 480), names=("input_values",), free=[None], pick=lambda r: r.audio_values, num_filters=4, codebook_size=32, codebook_dim=16, vector_quantization_hidden_dimension=16, upsampling_ratios=[4, 2], num_quantizers=4, num_semantic_quantizers=1, upsample_groups=32, frame_rate=62.5, sampling_rate=1000)
add("audio_spectrogram_transformer", "audio-spectrogram-transformer", "AutoModelForAudioClassification", noise(1, 40, 16, other=(2, 40, 16)), free=[{0: "n"}], pick=LOGITS, max_length=40, num_mel_bins=16, patch_size=8, frequency_stride=4, time_stride=4)
add("moonshine", "moonshine", "AutoModelForSpeechSeq2Seq", lambda w: sound(1600)(w) + (torch.randint(3, 90, (1 + w, 5), generator=torch.Generator().manual_seed(w)),), ("input_values", "decoder_input_ids"), LOGITS, [{0: "n", 1: "length"}, {0: "n", 1: "tokens"}], {"use_cache": False}, encoder_num_hidden_layers=2, decoder_num_hidden_layers=2, encoder_num_attention_heads=4, decoder_num_attention_heads=4, encoder_num_key_value_heads=4, decoder_num_key_value_heads=4)
add("fastspeech2_conformer", "fastspeech2_conformer", "FastSpeech2ConformerModel", lambda w: (torch.randint(1, 30, (1, 6), generator=torch.Generator().manual_seed(w)),), ("input_ids",), lambda r: r.spectrogram, [None], vocab_size=40, encoder_linear_units=48, decoder_linear_units=48, encoder_num_attention_heads=4, decoder_num_attention_heads=4, num_mel_bins=8, speech_decoder_postnet_units=16, duration_predictor_channels=16, energy_predictor_channels=16, pitch_predictor_channels=16)
add("parakeet_ctc", "parakeet_ctc", "ParakeetForCTC", lambda w: noise(1, 40, 16, other=(2, 48, 16))(w), ("input_features",), LOGITS, [{0: "n", 1: "frames"}], encoder_config=dict(hidden_size=32, num_hidden_layers=2, num_attention_heads=4, intermediate_size=48, num_mel_bins=16, subsampling_factor=4, subsampling_conv_channels=8, conv_kernel_size=3))
add("seamless_m4t_text", "seamless_m4t", "SeamlessM4TForTextToText", lambda w: (torch.randint(5, 90, (1 + w, 7), generator=torch.Generator().manual_seed(w)), torch.randint(5, 90, (1 + w, 4), generator=torch.Generator().manual_seed(w))), ("input_ids", "decoder_input_ids"), LOGITS, [{0: "n", 1: "length"}, {0: "n", 1: "tokens"}], {"use_cache": False}, speech_encoder_layers=1, speech_encoder_intermediate_size=48, speech_encoder_attention_heads=4, feature_projection_input_dim=16)
add("seamless_m4t_speech", "seamless_m4t", "SeamlessM4TForSpeechToText", lambda w: noise(1, 24, 16)(w) + (torch.randint(5, 90, (1 + w, 4), generator=torch.Generator().manual_seed(w)),), ("input_features", "decoder_input_ids"), LOGITS, [{0: "n"}, {0: "n", 1: "tokens"}], {"use_cache": False}, speech_encoder_layers=1, speech_encoder_intermediate_size=48, speech_encoder_attention_heads=4, feature_projection_input_dim=16, conv_depthwise_kernel_size=3, max_source_positions=64)
add("clap_audio", "clap_audio_model", "ClapAudioModel", noise(1, 1, 64, 16), ("input_features",), lambda r: r.pooler_output, [None], num_mel_bins=16, spec_size=32, patch_size=4, patch_stride=[4, 4], patch_embeds_hidden_size=8, window_size=4, depths=[2, 2], num_attention_heads=[2, 2], hidden_size=16, num_classes=5, enable_fusion=False)
add("musicgen_decoder", "musicgen_decoder", "MusicgenForCausalLM", lambda w: (torch.randint(0, 90, (4 * (1 + w), 5), generator=torch.Generator().manual_seed(w)),), ("input_ids",), LOGITS, [None], {"use_cache": False}, ffn_dim=48, num_codebooks=4)

PATCH = dict(num_input_channels=3, context_length=24, patch_length=6, patch_stride=6, prediction_length=4)
add("patchtst", "patchtst", "PatchTSTForPrediction", noise(1, 24, 3), ("past_values",), lambda r: r.prediction_outputs, [{0: "n"}], **{**PATCH, "loss": "mse"})
add("patchtst_classification", "patchtst", "PatchTSTForClassification", noise(1, 24, 3), ("past_values",), lambda r: r.prediction_logits, [{0: "n"}], **{**PATCH, "num_targets": 3, "use_cls_token": True})
add("patchtsmixer", "patchtsmixer", "PatchTSMixerForPrediction", noise(1, 24, 3), ("past_values",), lambda r: r.prediction_outputs, [{0: "n"}], **{**PATCH, "loss": "mse", "mode": "mix_channel", "self_attn": False})


def series(which):
    n = 1 + which
    torch.manual_seed(17 + which)
    return torch.rand(n, 14) + 0.5, torch.randn(n, 14, 1), torch.ones(n, 14), torch.rand(n, 4) + 0.5, torch.randn(n, 4, 1)


for kind, head in (("time_series_transformer", "TimeSeriesTransformerModel"), ("informer", "InformerModel"), ("autoformer", "AutoformerModel")):
    add(kind, kind, head, series, ("past_values", "past_time_features", "past_observed_mask", "future_values", "future_time_features"), lambda r: (getattr(r, "last_hidden_state", None), r.encoder_last_hidden_state), [{0: "n"}] * 5, {"use_cache": False},
        prediction_length=4, context_length=12, lags_sequence=[1, 2], num_time_features=1, **(dict(label_length=4, moving_average=3) if kind == "autoformer" else dict(sampling_factor=2) if kind == "informer" else {}))
add("decision_transformer", "decision_transformer", "DecisionTransformerModel", lambda w: (torch.randn(1 + w, 5, 6), torch.randn(1 + w, 5, 2), torch.randn(1 + w, 5, 1), torch.arange(5).repeat(1 + w, 1), torch.ones(1 + w, 5, dtype=torch.int64)) if not torch.manual_seed(w) is None else None,
    ("states", "actions", "returns_to_go", "timesteps", "attention_mask"), free=[{0: "n", 1: "length"}] * 5, state_dim=6, act_dim=2, max_ep_len=32)
