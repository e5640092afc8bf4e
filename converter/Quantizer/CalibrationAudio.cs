using System.Buffers.Binary;
using EdgeLite.Converter.Ir;
using EdgeLite.Core;

namespace EdgeLite.Converter.Quantizing;

/// <summary>
/// Sound for a model with one input of numbers in time, [T], [1,T], [1,1,T] or [1,T,1]: each .wav file is cut into windows of T, the last
/// one filled up with silence. Channels are averaged. Float inputs get [-1, 1), int16 inputs the 16-bit numbers. The sampling rate is the
/// file's; all files must have the same.
/// </summary>
internal sealed class CalibrationAudio : ICalibrationData
{
    private readonly Value _input;
    private readonly Shape _shape;
    private readonly List<(string File, float[] Signal, int Start)> _windows = [];

    public CalibrationAudio(string[] files, Graph graph)
    {
        if (graph.Inputs.Count != 1)
            throw new EdgeLiteException(Status.InvalidArgument,
                $"Sound can calibrate a model with one input; '{graph.Name}' has {graph.Inputs.Count}: {string.Join(", ", graph.Inputs.Select(i => i.Name))}. Use .npz files with one entry for each.");
        _input = graph.Inputs[0];
        _shape = CalibrationData.SampleShape(_input);
        long length = _shape.Count;
        if (_input.DType is not (DType.Float32 or DType.Float16 or DType.Float64 or DType.Int16) || length < 1 || _shape.AsSpan().ToArray().Count(d => d != 1) > 1)
            throw new EdgeLiteException(Status.InvalidShape, $"Sound cannot fill input '{_input.Name}' {_input.Type}: expected float or int16 of [T], [1,T], [1,1,T] or [1,T,1].");
        int rate = 0;
        foreach (string file in files)
        {
            (float[] signal, int own) = WavFile.Read(file);
            if (rate != 0 && own != rate) throw new EdgeLiteException(Status.InvalidArgument, $"Calibration data '{file}' has {own} samples a second, others {rate}; bring them to the model's rate.");
            rate = own;
            for (int start = 0; start < signal.Length; start += (int)length) _windows.Add((file, signal, start));
        }
        if (_windows.Count == 0) throw new EdgeLiteException(Status.InvalidArgument, $"Calibration data '{files[0]}' holds no sound.");
    }

    public int Count => _windows.Count;

    public string Describe(int index) => $"'{_windows[index].File}' from {_windows[index].Start}";

    public IReadOnlyList<Tensor> Load(int index)
    {
        (_, float[] signal, int start) = _windows[index];
        var tensor = new Tensor(_input.DType, _shape);
        for (int i = 0; i < tensor.Count; i++)
        {
            float x = start + i < signal.Length ? signal[start + i] : 0;
            tensor.SetDouble(i, _input.DType == DType.Int16 ? Math.Clamp(Math.Round(x * 32768), short.MinValue, short.MaxValue) : x);
        }
        return [tensor];
    }
}

/// <summary>RIFF WAVE files of PCM numbers of 8, 16, 24 or 32 bits or of float32 (Microsoft, "Multimedia Programming Interface and Data
/// Specifications 1.0", 1991).</summary>
internal static class WavFile
{
    private const int Pcm = 1, Float = 3, Extensible = 0xfffe;

    /// <summary>The mean of all channels, [-1, 1) for whole numbers, and the samples of a second.</summary>
    public static (float[] Signal, int Rate) Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        if (bytes.Length < 12 || !bytes.AsSpan(0, 4).SequenceEqual("RIFF"u8) || !bytes.AsSpan(8, 4).SequenceEqual("WAVE"u8)) throw Damaged("it does not begin as a RIFF WAVE file");
        int kind = 0, channels = 0, rate = 0, bits = 0;
        for (long at = 12; at + 8 <= bytes.Length;)
        {
            ReadOnlySpan<byte> name = bytes.AsSpan((int)at, 4);
            long size = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan((int)at + 4));
            at += 8;
            // Recorders that were stopped leave a length of nothing or of everything.
            ReadOnlySpan<byte> body = bytes.AsSpan((int)at, (int)Math.Min(size, bytes.Length - at));
            if (name.SequenceEqual("fmt "u8))
            {
                if (body.Length < 16) throw Damaged($"its format has {body.Length} bytes; expected at least 16");
                kind = BinaryPrimitives.ReadUInt16LittleEndian(body);
                channels = BinaryPrimitives.ReadUInt16LittleEndian(body[2..]);
                rate = (int)Math.Min(BinaryPrimitives.ReadUInt32LittleEndian(body[4..]), int.MaxValue);
                bits = BinaryPrimitives.ReadUInt16LittleEndian(body[14..]);
                if (kind == Extensible && body.Length >= 26) kind = BinaryPrimitives.ReadUInt16LittleEndian(body[24..]);
                if (channels == 0 || kind == Pcm && bits is not (8 or 16 or 24 or 32) || kind == Float && bits != 32 || kind is not (Pcm or Float))
                    throw Damaged($"it has {channels} channels of {bits} bits in encoding {kind}; expected PCM of 8, 16, 24 or 32 bits, or float32");
            }
            else if (name.SequenceEqual("data"u8))
            {
                if (channels == 0) throw Damaged("its data comes before its format");
                return (Mixed(body, kind, channels, bits / 8), rate);
            }
            at += size + (size & 1);
        }
        throw Damaged("it has no data");

        EdgeLiteException Damaged(string why) => new(Status.Corrupt, $"Sound '{path}' cannot be read: {why}.");
    }

    private static float[] Mixed(ReadOnlySpan<byte> data, int kind, int channels, int width)
    {
        var signal = new float[data.Length / (channels * width)];
        for (int i = 0; i < signal.Length; i++)
        {
            double sum = 0;
            for (int c = 0; c < channels; c++)
            {
                ReadOnlySpan<byte> at = data.Slice((i * channels + c) * width, width);
                sum += kind == Float ? BinaryPrimitives.ReadSingleLittleEndian(at) : width switch
                {
                    1 => (at[0] - 128) / 128.0,
                    2 => BinaryPrimitives.ReadInt16LittleEndian(at) / 32768.0,
                    3 => (at[0] << 8 | at[1] << 16 | at[2] << 24) / 2147483648.0,
                    _ => BinaryPrimitives.ReadInt32LittleEndian(at) / 2147483648.0,
                };
            }
            signal[i] = (float)(sum / channels);
        }
        return signal;
    }
}
