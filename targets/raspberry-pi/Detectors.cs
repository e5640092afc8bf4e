using EdgeLite.Core;
using EdgeLite.Vision;

namespace EdgeLite.RaspberryPi;

/// <summary>Finds something when there is a face.</summary>
internal sealed class FaceWatch(Session session, float threshold) : IDetector
{
    private readonly FaceDetector _faces = new(session);

    public Finding Look(Picture frame)
    {
        List<Face> faces = _faces.Find(frame, threshold);
        return new Finding(faces.Count > 0, faces.Count > 0 ? faces[0].Score : 0, faces.Count == 1 ? "1 face" : $"{faces.Count} faces");
    }
}

/// <summary>Finds something when one class of a classifier is likely. The output is taken as probabilities when it sums to 1,
/// otherwise as logits.</summary>
internal sealed class ClassWatch(Session session, DetectorSettings settings) : IDetector
{
    public Finding Look(Picture frame)
    {
        Tensor input = session.Input(0);
        if (input.DType == DType.Float32)
        {
            frame.FitInto(input, settings.Low, settings.High);
        }
        else if (input.DType is DType.Int8 or DType.UInt8)
        {
            // Quantized pictures: 0..255 as uint8, or shifted to -128..127 as int8.
            using var real = new Tensor(DType.Float32, input.Shape);
            frame.FitInto(real, input.DType == DType.Int8 ? -128 : 0, input.DType == DType.Int8 ? 127 : 255);
            for (long i = 0; i < real.Count; i++) input.SetInt64(i, (long)Math.Round(real.GetDouble(i)));
        }
        else
        {
            throw new EdgeLiteException(Status.Unsupported, $"A picture goes into float32, int8 or uint8, not into {input}.");
        }
        session.Run();
        float score = Probability(session.Output(0), settings.Class);
        return new Finding(score >= settings.Threshold, score, $"class {settings.Class}");
    }

    internal static float Probability(Tensor output, int index)
    {
        if (index < 0 || index >= output.Count)
            throw new EdgeLiteException(Status.InvalidArgument, $"detector.class is {index}, the network has {output.Count} classes.");
        var values = new double[output.Count];
        for (int i = 0; i < values.Length; i++) values[i] = output.GetDouble(i);
        // An integer softmax has the scale 1/256 and, as int8, the zero point -128.
        if (output.DType is DType.Int8) return (float)((values[index] + 128) / 256);
        if (output.DType is DType.UInt8) return (float)(values[index] / 256);
        if (values.All(v => v is >= 0 and <= 1) && Math.Abs(values.Sum() - 1) < 0.02) return (float)values[index];
        if (values.Length == 1) return (float)(1 / (1 + Math.Exp(-values[0])));
        double highest = values.Max();
        return (float)(Math.Exp(values[index] - highest) / values.Sum(v => Math.Exp(v - highest)));
    }
}
