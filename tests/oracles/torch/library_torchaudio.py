"""Architectures and front ends of torchaudio."""
import torch
import torchaudio
import torchaudio.models as M
import torchaudio.transforms as T

MODELS = {}


def noise(*shape, other=None):
    def make(which):
        torch.manual_seed(13 + which)
        return (torch.randn(*((other or (shape[0] + 1,) + shape[1:]) if which else shape)),)
    return make


def add(name, make, inputs, free=None, more=None, pick=None):
    MODELS["ta_" + name] = lambda: dict(model=make(), inputs=inputs, free=free or [None] * len(inputs(0)), more=more or {}, pick=pick)


lengths = lambda n, t: torch.full((n,), t, dtype=torch.int32)
add("wav2letter", lambda: M.Wav2Letter(num_classes=10, input_type="mfcc", num_features=13), noise(1, 13, 60), [{0: "n", 2: "t"}])
add("conformer", lambda: M.Conformer(input_dim=16, num_heads=4, ffn_dim=32, num_layers=2, depthwise_conv_kernel_size=7), lambda w: noise(2, 20, 16)(w) + (torch.tensor([20, 14] + [9] * w, dtype=torch.int32),))
add("tacotron2", lambda: M.Tacotron2(n_mels=8, symbol_embedding_dim=16, encoder_embedding_dim=16, decoder_rnn_dim=16, attention_rnn_dim=16, attention_hidden_dim=8, attention_location_n_filter=4, attention_location_kernel_size=5, prenet_dim=8, postnet_embedding_dim=16, decoder_dropout=0.0, decoder_max_step=6),
    lambda w: (torch.randint(0, 30, (1, 7), generator=torch.Generator().manual_seed(w)), torch.tensor([7]), torch.randn(1, 8, 5, generator=torch.Generator().manual_seed(w)), torch.tensor([5])))
add("emformer", lambda: M.Emformer(16, 4, 32, 2, segment_length=4, left_context_length=4, right_context_length=2), lambda w: noise(1, 18, 16)(w) + (lengths(1 + w, 16),))
add("deepspeech", lambda: M.DeepSpeech(n_feature=13, n_hidden=32, n_class=10), noise(1, 1, 20, 13), [{0: "n", 2: "t"}])
add("hdemucs", lambda: M.hdemucs_low(sources=["a", "b"]), noise(1, 2, 8192))
add("convtasnet", lambda: M.ConvTasNet(num_sources=2, enc_kernel_size=8, enc_num_feats=16, msk_kernel_size=3, msk_num_feats=8, msk_num_hidden_feats=16, msk_num_layers=2, msk_num_stacks=2), noise(1, 1, 160), [{0: "n", 2: "t"}])
add("wavernn", lambda: M.WaveRNN(upsample_scales=[2, 3, 2], n_classes=16, hop_length=12, n_res_block=2, n_rnn=16, n_fc=16, kernel_size=3, n_freq=8, n_hidden=16, n_output=16), lambda w: (torch.randn(1, 1, 36, generator=torch.Generator().manual_seed(w)), torch.randn(1, 1, 8, 5, generator=torch.Generator().manual_seed(w))))
add("wav2vec2", lambda: M.wav2vec2_model("layer_norm", [(16, 10, 5), (16, 3, 2)], True, 32, 0.0, 8, 2, 2, 4, 0.0, 48, 0.0, 0.0, True, 0.0, 10), noise(1, 800), [{0: "n", 1: "t"}])
add("wavlm", lambda: M.wavlm_model("group_norm", [(16, 10, 5), (16, 3, 2)], False, 32, 0.0, 8, 2, 2, 4, 8, 16, 0.0, 0.0, 48, 0.0, 0.0, False, 0.0, 10), noise(1, 800), [{0: "n", 1: "t"}])
add("squim", lambda: M.squim_objective_model(feat_dim=16, win_len=8, d_model=16, nhead=2, hidden_dim=8, num_blocks=1, rnn_type="LSTM", chunk_size=7, chunk_stride=3), noise(1, 160))
add("rnnt", lambda: M.emformer_rnnt_model(input_dim=8, encoding_dim=16, num_symbols=12, segment_length=4, right_context_length=2, time_reduction_input_dim=8, time_reduction_stride=2, transformer_num_heads=2, transformer_ffn_dim=16, transformer_num_layers=2, transformer_dropout=0.0, transformer_activation="gelu", transformer_left_context_length=4, transformer_max_memory_size=0, transformer_weight_init_scale_strategy="depthwise", transformer_tanh_on_mem=True, symbol_embedding_dim=8, num_lstm_layers=1, lstm_layer_norm=True, lstm_layer_norm_epsilon=1e-3, lstm_dropout=0.0),
    lambda w: (torch.randn(1, 12, 8, generator=torch.Generator().manual_seed(w)), lengths(1, 8), torch.randint(0, 12, (1, 4), generator=torch.Generator().manual_seed(w)), lengths(1, 4)))
FRONT = dict(
    mel=lambda: T.MelSpectrogram(16000, n_fft=64, hop_length=32, n_mels=8), logmel=lambda: torch.nn.Sequential(T.MelSpectrogram(16000, n_fft=64, hop_length=32, n_mels=8), T.AmplitudeToDB()), mfcc=lambda: T.MFCC(16000, n_mfcc=5, melkwargs=dict(n_fft=64, hop_length=32, n_mels=8)),
    lfcc=lambda: T.LFCC(16000, n_filter=8, n_lfcc=5, speckwargs=dict(n_fft=64, hop_length=32)), spectrogram=lambda: T.Spectrogram(n_fft=64, power=None), inverse=lambda: torch.nn.Sequential(T.Spectrogram(n_fft=64, power=None), T.InverseSpectrogram(n_fft=64)), resample=lambda: T.Resample(16000, 12000),
    centroid=lambda: T.SpectralCentroid(16000, n_fft=64), vol=lambda: T.Vol(0.5), fade=lambda: T.Fade(20, 20), deltas=lambda: torch.nn.Sequential(T.MelSpectrogram(16000, n_fft=64, n_mels=8), T.ComputeDeltas()), mu=lambda: T.MuLawEncoding(), pitch=lambda: T.PitchShift(16000, 2, n_fft=64), loudness=None,
    cmvn=lambda: torch.nn.Sequential(T.MelSpectrogram(16000, n_fft=64, n_mels=8), T.SlidingWindowCmn(5)), preemphasis=lambda: T.Preemphasis(), speed=None)
for name, make in FRONT.items():
    if make: add("front_" + name, make, noise(1, 640), [{0: "n", 1: "t"}])
