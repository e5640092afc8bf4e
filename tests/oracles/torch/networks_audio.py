"""Networks and front ends over sound: NETWORKS is name: (module, inputs). Some are torchaudio's (Debian: python3-torchaudio)."""
import math
from typing import List, Optional, Tuple
import torch
from torch import nn
from torch.nn import functional as F

wave = lambda *shape: torch.rand(*shape) * 2 - 1


class Waveform(nn.Module):
    """wav2vec 2.0: convolutions with group and layer normalization, a positional convolution with weight normalization, a transformer."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList([nn.Conv1d(1, 16, 10, 5, bias=False), nn.Conv1d(16, 16, 3, 2, bias=False), nn.Conv1d(16, 16, 2, 2, bias=False)])
        self.group, self.norm, self.project = nn.GroupNorm(16, 16), nn.LayerNorm(16), nn.Linear(16, 24)
        self.position = nn.utils.weight_norm(nn.Conv1d(24, 24, 8, padding=4, groups=4), dim=2)
        self.encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(24, 4, 48, activation="gelu", batch_first=True), 1)
        self.out = nn.Linear(24, 12)

    def forward(self, x):
        x = ((x - x.mean(-1, keepdim=True)) / torch.sqrt(x.var(-1, keepdim=True, unbiased=False) + 1e-7)).unsqueeze(1)
        for i, conv in enumerate(self.convs):
            x = conv(x)
            if i == 0:
                x = self.group(x)
            x = F.gelu(x)
        x = self.project(self.norm(x.transpose(1, 2)))
        x = x + F.gelu(self.position(x.transpose(1, 2))[:, :, :-1]).transpose(1, 2)
        return F.log_softmax(self.out(self.encoder(x)), dim=-1)


class Vocoder(nn.Module):
    """HiFi-GAN: transposed convolutions and residual blocks of dilated ones, all with weight normalization."""

    def __init__(self):
        super().__init__()
        n = nn.utils.weight_norm
        self.first, self.last = n(nn.Conv1d(20, 16, 7, padding=3)), n(nn.Conv1d(4, 1, 7, padding=3))
        self.ups = nn.ModuleList([n(nn.ConvTranspose1d(16, 8, 8, 4, padding=2)), n(nn.ConvTranspose1d(8, 4, 4, 2, padding=1))])
        self.blocks = nn.ModuleList([n(nn.Conv1d(c, c, 3, padding=d, dilation=d)) for c in (8, 4) for d in (1, 3)])
        self.snake = nn.Parameter(torch.rand(1, 4, 1) + 0.5)

    def forward(self, mel):
        x = self.first(mel)
        at = 0
        for up in self.ups:
            x = up(F.leaky_relu(x, 0.1))
            for j, block in enumerate(self.blocks):
                if j // 2 == at:
                    x = x + block(F.leaky_relu(x, 0.1))
            at += 1
        x = x + torch.sin(self.snake * x).pow(2) / self.snake
        return torch.tanh(self.last(x))


class Mel(nn.Module):
    """A mel spectrogram by its formula."""

    def __init__(self, power: float = 2.0, center: bool = True):
        super().__init__()
        self.power, self.center = power, center
        self.register_buffer("window", torch.hann_window(64))
        low, high = 2595 * math.log10(1 + 20 / 700), 2595 * math.log10(1 + 8000 / 700)
        points = 700 * (10 ** (torch.linspace(low, high, 12) / 2595) - 1)
        bins = torch.linspace(0, 8000, 33)
        rise = (bins[None] - points[:-2, None]) / (points[1:-1] - points[:-2])[:, None]
        fall = (points[2:, None] - bins[None]) / (points[2:] - points[1:-1])[:, None]
        self.register_buffer("bank", torch.minimum(rise, fall).clamp(min=0))

    def forward(self, x):
        s = torch.stft(x, 64, hop_length=16, win_length=64, window=self.window, center=self.center, pad_mode="reflect", normalized=False, onesided=True, return_complex=True)
        return torch.log(torch.matmul(self.bank, s.abs().pow(self.power)) + 1e-6)


class Denoiser(nn.Module):
    """Masks a spectrogram and goes back to sound."""

    def __init__(self):
        super().__init__()
        self.lstm, self.mask = nn.LSTM(33, 16, batch_first=True), nn.Linear(16, 33)
        self.register_buffer("window", torch.hann_window(64))

    def forward(self, x):
        s = torch.stft(x, 64, 16, 64, self.window, return_complex=True)
        h, _ = self.lstm(torch.log1p(s.abs()).transpose(1, 2))
        masked = s * torch.sigmoid(self.mask(h)).transpose(1, 2)
        return torch.istft(masked, 64, 16, 64, self.window, length=x.size(-1))


class RealParts(nn.Module):
    """The old form of stft's result, real and imaginary parts; magnitude, phase and polar."""

    def __init__(self):
        super().__init__()
        self.register_buffer("window", torch.hamming_window(32))
        self.conv = nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x):
        s = torch.view_as_real(torch.stft(x, 32, 8, 32, self.window, return_complex=True))
        y = self.conv(s.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).contiguous()
        c = torch.view_as_complex(y)
        return torch.angle(c), torch.abs(c), torch.istft(torch.complex(y[..., 0], y[..., 1]), 32, 8, 32, self.window), torch.istft(torch.polar(torch.abs(c), torch.angle(c)), 32, 8, 32, self.window)


class ConformerBlock(nn.Module):
    def __init__(self, width: int = 24):
        super().__init__()
        self.ff1, self.ff2 = (nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 48), nn.SiLU(), nn.Dropout(0.1), nn.Linear(48, width)) for _ in range(2))
        self.norm, self.attend = nn.LayerNorm(width), nn.MultiheadAttention(width, 4, batch_first=True)
        self.conv = nn.Sequential(nn.Conv1d(width, 2 * width, 1), nn.GLU(dim=1), nn.Conv1d(width, width, 7, padding=3, groups=width), nn.BatchNorm1d(width), nn.SiLU(), nn.Conv1d(width, width, 1))
        self.last = nn.LayerNorm(width)

    def forward(self, x, lengths):
        padding = torch.arange(x.size(1)).expand(x.size(0), x.size(1)) >= lengths.unsqueeze(1)
        x = x + 0.5 * self.ff1(x)
        h = self.norm(x)
        x = x + self.attend(h, h, h, key_padding_mask=padding, need_weights=False)[0]
        x = x + self.conv(x.masked_fill(padding.unsqueeze(-1), 0.0).transpose(1, 2)).transpose(1, 2)
        return self.last(x + 0.5 * self.ff2(x))


class Separator(nn.Module):
    """Conv-TasNet: an encoder, a mask by dilated depthwise convolutions with global layer normalization, a decoder."""

    def __init__(self):
        super().__init__()
        self.encode, self.decode = nn.Conv1d(1, 16, 16, 8, bias=False), nn.ConvTranspose1d(16, 1, 16, 8, bias=False)
        self.blocks = nn.ModuleList([nn.Sequential(nn.Conv1d(16, 24, 1), nn.PReLU(), nn.GroupNorm(1, 24, eps=1e-8), nn.Conv1d(24, 24, 3, padding=2 ** i, dilation=2 ** i, groups=24), nn.PReLU(), nn.Conv1d(24, 16, 1)) for i in range(3)])
        self.mask = nn.Conv1d(16, 32, 1)

    def forward(self, x):
        b, _, n = x.shape
        rest = (8 - (n - 16) % 8) % 8
        e = F.relu(self.encode(F.pad(x, [0, rest])))
        y = e
        for block in self.blocks:
            y = y + block(y)
        m = torch.sigmoid(self.mask(y)).view(b, 2, 16, -1)
        return self.decode((m * e.unsqueeze(1)).view(b * 2, 16, -1)).view(b, 2, -1)[:, :, :n]


class Prenet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(8, 16), nn.Linear(16, 16)])

    def forward(self, x):
        for layer in self.layers:
            x = F.dropout(F.relu(layer(x)), p=0.5, training=self.training)
        return x


class Synthesizer(nn.Module):
    """Tacotron 2: location-sensitive attention over an encoder, a decoder of LSTM cells that stops itself, a convolutional postnet."""

    def __init__(self):
        super().__init__()
        self.words, self.conv, self.encoder = nn.Embedding(50, 16), nn.Sequential(nn.Conv1d(16, 16, 5, padding=2), nn.BatchNorm1d(16), nn.ReLU()), nn.LSTM(16, 8, batch_first=True, bidirectional=True)
        self.prenet, self.cell1, self.cell2 = Prenet(), nn.LSTMCell(32, 20), nn.LSTMCell(36, 20)
        self.query, self.memory, self.score = nn.Linear(20, 12, bias=False), nn.Linear(16, 12, bias=False), nn.Linear(12, 1, bias=False)
        self.location, self.location_dense = nn.Conv1d(2, 4, 5, padding=2, bias=False), nn.Linear(4, 12, bias=False)
        self.frame, self.gate, self.postnet = nn.Linear(36, 8), nn.Linear(36, 1), nn.Conv1d(8, 8, 5, padding=2)

    def forward(self, text, lengths):
        memory, _ = self.encoder(self.conv(self.words(text).transpose(1, 2)).transpose(1, 2))
        keys = self.memory(memory)
        mask = torch.arange(text.size(1)).unsqueeze(0) >= lengths.unsqueeze(1)
        b = text.size(0)
        frame = torch.zeros(b, 8)
        h1, c1, h2, c2 = torch.zeros(b, 20), torch.zeros(b, 20), torch.zeros(b, 20), torch.zeros(b, 20)
        weights, total, context = torch.zeros(b, text.size(1)), torch.zeros(b, text.size(1)), torch.zeros(b, 16)
        frames: List[torch.Tensor] = []
        gates: List[torch.Tensor] = []
        while True:
            h1, c1 = self.cell1(torch.cat([self.prenet(frame), context], -1), (h1, c1))
            at = self.location_dense(self.location(torch.stack([weights, total], 1)).transpose(1, 2))
            e = self.score(torch.tanh(self.query(h1.unsqueeze(1)) + keys + at)).squeeze(-1).masked_fill(mask, -float("inf"))
            weights = F.softmax(e, dim=1)
            total = total + weights
            context = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
            h2, c2 = self.cell2(torch.cat([h1, context], -1), (h2, c2))
            both = torch.cat([h2, context], 1)
            frame, gate = self.frame(both), self.gate(both)
            frames.append(frame)
            gates.append(gate)
            if bool((torch.sigmoid(gate) > 0.9).all()) or len(frames) >= 6:
                break
        mel = torch.stack(frames, 2)
        return mel + self.postnet(mel), torch.cat(gates, 1)


class WaveRnn(nn.Module):
    """A sample after another, each of which is the next one's input."""

    def __init__(self):
        super().__init__()
        self.rnn, self.fc1, self.fc2 = nn.GRUCell(9, 16), nn.Linear(16, 16), nn.Linear(16, 32)

    def forward(self, mel):
        h, x = torch.zeros(mel.size(0), 16), torch.zeros(mel.size(0), 1)
        out = []
        for i in range(mel.size(2)):
            h = self.rnn(torch.cat([x, mel[:, :, i]], dim=1), h)
            x = (2.0 * torch.argmax(self.fc2(F.relu(self.fc1(h))), dim=1).float() / 31.0 - 1.0).unsqueeze(-1)
            out.append(x)
        return torch.cat(out, 1)


class Vad(nn.Module):
    """Silero's shape: an STFT as a convolution, an encoder, an LSTM whose state comes in and goes out; another network for each sample rate."""

    def __init__(self):
        super().__init__()
        self.basis = nn.Parameter(torch.randn(34, 1, 32) * 0.2)
        self.encoder = nn.Sequential(nn.Conv1d(17, 16, 3, padding=1), nn.ReLU(), nn.Conv1d(16, 8, 3, 2, 1), nn.ReLU())
        self.lstm, self.out = nn.LSTM(8, 8), nn.Sequential(nn.Dropout(0.1), nn.Conv1d(8, 1, 1), nn.Sigmoid())

    def forward(self, x, state):
        x = F.pad(x.unsqueeze(1), (8, 8), mode="reflect")
        s = F.conv1d(x, self.basis, stride=16)
        mag = torch.sqrt(s[:, :17] ** 2 + s[:, 17:] ** 2)
        y, (h, c) = self.lstm(self.encoder(mag).permute(2, 0, 1), (state[0:1], state[1:2]))
        return self.out(y.permute(1, 2, 0)).mean(dim=2, keepdim=False), torch.cat([h, c])


class Speaker(nn.Module):
    """An ECAPA-TDNN: Res2Net, squeeze and excitation, attentive statistics."""

    def __init__(self):
        super().__init__()
        self.first, self.parts = nn.Conv1d(20, 16, 5, padding=2), nn.ModuleList([nn.Conv1d(4, 4, 3, padding=2, dilation=2) for _ in range(3)])
        self.se = nn.Sequential(nn.AdaptiveAvgPool1d(1), nn.Conv1d(16, 8, 1), nn.ReLU(), nn.Conv1d(8, 16, 1), nn.Sigmoid())
        self.attend, self.norm, self.out = nn.Sequential(nn.Conv1d(48, 8, 1), nn.Tanh(), nn.Conv1d(8, 16, 1)), nn.BatchNorm1d(32), nn.Linear(32, 12)

    def forward(self, x):
        x = F.relu(self.first(x - x.mean(dim=-1, keepdim=True)))
        pieces = torch.chunk(x, 4, dim=1)
        y = [pieces[0]]
        for i, part in enumerate(self.parts):
            y.append(F.relu(part(pieces[i + 1] if i == 0 else pieces[i + 1] + y[-1])))
        z = torch.cat(y, dim=1)
        x = x + z * self.se(z)
        t = x.size(-1)
        g = torch.cat((x, torch.mean(x, dim=2, keepdim=True).repeat(1, 1, t), torch.sqrt(torch.var(x, dim=2, keepdim=True).clamp(min=1e-4)).repeat(1, 1, t)), dim=1)
        w = torch.softmax(self.attend(g), dim=2)
        mu = torch.sum(x * w, dim=2)
        sg = torch.sqrt((torch.sum((x ** 2) * w, dim=2) - mu ** 2).clamp(min=1e-4))
        return F.normalize(self.out(self.norm(torch.cat((mu, sg), 1))), p=2.0, dim=1)


TRACED_ONLY = {"wav2vec", "hifi_gan", "torchaudio_deepspeech", "torchaudio_hdemucs"}  # PyTorch does not script them
SCRIPTED_ONLY = {"torchaudio_wavernn", "torchaudio_wav2vec2", "torchaudio_wav2vec2_large"}
NETWORKS = {
    "wav2vec": (Waveform, lambda: (wave(1, 400),)),
    "hifi_gan": (Vocoder, lambda: (wave(1, 20, 8),)),
    "mel": (Mel, lambda: (wave(2, 200),)),
    "mel_uncentered": (lambda: Mel(1.0, False), lambda: (wave(1, 200),)),
    "denoiser": (Denoiser, lambda: (wave(1, 240),)),
    "spectrum_parts": (RealParts, lambda: (wave(1, 120),)),
    "conformer": (ConformerBlock, lambda: (wave(2, 10, 24), torch.tensor([10.0, 7.0]))),
    "conv_tasnet": (Separator, lambda: (wave(1, 1, 203),)),
    "tacotron": (Synthesizer, lambda: (torch.randint(0, 50, (1, 7)), torch.tensor([7.0]))),
    "wave_rnn": (WaveRnn, lambda: (wave(1, 8, 6),)),
    "vad": (Vad, lambda: (wave(1, 256), wave(2, 1, 8))),
    "ecapa": (Speaker, lambda: (wave(2, 20, 16),)),
}

try:
    import torchaudio
    from torchaudio import models, transforms

    class LastOf(nn.Module):
        """The emissions of an acoustic model."""

        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x):
            return self.model(x)[0]

    class OfLengths(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.model = model

        def forward(self, x, lengths):
            return self.model(x, lengths.long())[0]

    def wav2vec2(mode, first):
        return LastOf(models.wav2vec2_model(mode, [(16, 10, 5), (16, 3, 2), (16, 2, 2)], False, 24, 0.0, 8, 4, 2, 4, 0.0, 48, 0.0, 0.0, first, 0.0, 20))

    NETWORKS.update({
        "torchaudio_wav2vec2": (lambda: wav2vec2("group_norm", False), lambda: (wave(1, 400),)),
        "torchaudio_wav2vec2_large": (lambda: wav2vec2("layer_norm", True), lambda: (wave(1, 400),)),
        "torchaudio_conformer": (lambda: OfLengths(models.Conformer(20, 4, 32, 2, 7)), lambda: (wave(2, 10, 20), torch.tensor([10.0, 7.0]))),
        "torchaudio_emformer": (lambda: OfLengths(models.Emformer(16, 2, 32, 2, 4, left_context_length=4, right_context_length=2)), lambda: (wave(1, 14, 16), torch.tensor([12.0]))),
        "torchaudio_conv_tasnet": (lambda: models.ConvTasNet(2, 16, 32, 3, 16, 32, 3, 2), lambda: (wave(1, 1, 320),)),
        "torchaudio_deepspeech": (lambda: models.DeepSpeech(20, n_hidden=32, n_class=12), lambda: (wave(1, 1, 9, 20),)),
        "torchaudio_wav2letter": (lambda: models.Wav2Letter(12, "mfcc", 13), lambda: (wave(1, 13, 60),)),
        "torchaudio_wavernn": (lambda: models.WaveRNN([2, 2, 2], 16, 8, n_res_block=2, n_rnn=16, n_fc=16, kernel_size=5, n_freq=10, n_hidden=16, n_output=12), lambda: (wave(1, 1, 48), wave(1, 1, 10, 10))),
        "torchaudio_hdemucs": (lambda: models.HDemucs(["a", "b"], audio_channels=1, channels=8, nfft=1024, depth=4), lambda: (wave(1, 1, 4096),)),
        "torchaudio_mel": (lambda: nn.Sequential(transforms.MelSpectrogram(16000, n_fft=128, hop_length=32, n_mels=16), transforms.AmplitudeToDB(top_db=80.0)), lambda: (wave(1, 400),)),
        "torchaudio_mfcc": (lambda: transforms.MFCC(16000, 10, melkwargs={"n_fft": 128, "n_mels": 16}), lambda: (wave(2, 400),)),
        "torchaudio_lfcc": (lambda: transforms.LFCC(16000, 12, 10, speckwargs={"n_fft": 128}), lambda: (wave(1, 400),)),
        "torchaudio_resample": (lambda: transforms.Resample(16000, 12000), lambda: (wave(1, 300),)),
        "torchaudio_delta": (lambda: nn.Sequential(transforms.ComputeDeltas(5), transforms.SlidingWindowCmn(8, center=True)), lambda: (wave(1, 10, 20),)),
        "torchaudio_mulaw": (lambda: nn.Sequential(transforms.MuLawEncoding(), transforms.MuLawDecoding()), lambda: (wave(1, 50),)),
        "torchaudio_inverse": (lambda: nn.Sequential(transforms.Spectrogram(64, power=None), transforms.TimeStretch(16, 33, 1.0), transforms.InverseSpectrogram(64)), lambda: (wave(1, 256),)),
        "torchaudio_centroid": (lambda: transforms.SpectralCentroid(16000, 64), lambda: (wave(1, 256) + 0.1,)),
    })
except ImportError:
    pass
