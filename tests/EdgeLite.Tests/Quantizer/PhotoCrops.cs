using EdgeLite.Converter.Quantizing;
using StbImageSharp;

namespace EdgeLite.Tests.Quantizing;

/// <summary>Square pieces of photographs, at seeded places and sizes, some mirrored: [1, side, side, 3], pixel * scale.</summary>
internal sealed class PhotoCrops : ICalibrationData
{
    private readonly List<Tensor> _samples = [];

    public PhotoCrops(IReadOnlyList<string> files, int count, int side, double scale, int seed)
    {
        ImageResult[] pictures = [.. files.Select(f => ImageResult.FromMemory(File.ReadAllBytes(f), ColorComponents.RedGreenBlue))];
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            ImageResult picture = pictures[i % pictures.Length];
            int least = Math.Min(picture.Width, picture.Height);
            int size = Math.Max(side, (int)(least * (0.3 + 0.7 * random.NextDouble())));
            size = Math.Min(size, least);
            _samples.Add(Crop(picture, random.Next(picture.Width - size + 1), random.Next(picture.Height - size + 1), size, side, scale, random.Next(2) == 1));
        }
    }

    public int Count => _samples.Count;

    public string Describe(int index) => $"crop {index}";

    public IReadOnlyList<Tensor> Load(int index) => [_samples[index]];

    /// <summary>Each pixel is the mean of 4 x 4 places, taken bilinearly.</summary>
    private static Tensor Crop(ImageResult picture, int left, int top, int size, int side, double scale, bool mirrored)
    {
        var tensor = new Tensor(DType.Float32, new Shape(1, side, side, 3));
        const int Taps = 4;
        for (int y = 0; y < side; y++)
            for (int x = 0; x < side; x++)
                for (int c = 0; c < 3; c++)
                {
                    double sum = 0;
                    for (int t = 0; t < Taps * Taps; t++)
                        sum += At(picture, left + (x + (t % Taps + 0.5) / Taps) * size / side - 0.5, top + (y + (t / Taps + 0.5) / Taps) * size / side - 0.5, c);
                    tensor.SetDouble((y * side + (mirrored ? side - 1 - x : x)) * 3 + c, Math.Round(sum / (Taps * Taps)) * scale);
                }
        return tensor;
    }

    private static double At(ImageResult p, double x, double y, int c)
    {
        x = Math.Clamp(x, 0, p.Width - 1);
        y = Math.Clamp(y, 0, p.Height - 1);
        int x0 = (int)x, y0 = (int)y, x1 = Math.Min(x0 + 1, p.Width - 1), y1 = Math.Min(y0 + 1, p.Height - 1);
        double fx = x - x0, fy = y - y0;
        return (1 - fy) * ((1 - fx) * Pixel(x0, y0) + fx * Pixel(x1, y0)) + fy * ((1 - fx) * Pixel(x0, y1) + fx * Pixel(x1, y1));

        double Pixel(int px, int py) => p.Data[(py * p.Width + px) * 3 + c];
    }
}

/// <summary>Digits drawn as strokes of a pen, turned, slanted, moved and of different widths: [1, 28, 28], 0 to 1 in steps of 1/255.</summary>
internal sealed class DrawnDigits(int count, int seed) : ICalibrationData
{
    // Polylines on a square of side 1, y down; a gap starts a new stroke.
    private static readonly double[][][] s_strokes =
    [
        [[.5, .1, .25, .3, .22, .6, .35, .85, .5, .9, .68, .82, .78, .55, .72, .25, .5, .1]],
        [[.35, .25, .52, .1, .52, .9]],
        [[.25, .28, .4, .12, .62, .14, .74, .32, .6, .55, .25, .88, .78, .88]],
        [[.27, .18, .5, .1, .7, .2, .68, .38, .48, .48, .7, .58, .74, .76, .52, .9, .26, .82]],
        [[.6, .1, .22, .62, .8, .62], [.62, .35, .6, .9]],
        [[.74, .12, .34, .12, .3, .45, .55, .4, .74, .56, .7, .8, .48, .9, .25, .82]],
        [[.66, .12, .4, .3, .27, .62, .4, .88, .62, .88, .72, .7, .58, .54, .3, .62]],
        [[.24, .14, .76, .14, .5, .5, .42, .9]],
        [[.5, .48, .3, .32, .36, .14, .6, .12, .7, .3, .5, .48, .28, .68, .36, .88, .62, .9, .74, .7, .5, .48]],
        [[.7, .4, .48, .5, .3, .36, .36, .14, .6, .1, .72, .3, .66, .62, .5, .9]],
    ];

    public int Count => count;

    public string Describe(int index) => $"drawn {index % 10}";

    public IReadOnlyList<Tensor> Load(int index)
    {
        var random = new Random(seed * 10007 + index);
        double angle = (random.NextDouble() - 0.5) * 0.5, slant = (random.NextDouble() - 0.5) * 0.4, size = 17 + 5 * random.NextDouble(), pen = 0.9 + 0.9 * random.NextDouble();
        double moveX = 14 + 3 * (random.NextDouble() - 0.5), moveY = 14 + 3 * (random.NextDouble() - 0.5), ink = 0.85 + 0.15 * random.NextDouble();
        var tensor = new Tensor(DType.Float32, new Shape(1, 28, 28));
        double[][] strokes = [.. s_strokes[index % 10].Select(Place)];
        for (int y = 0; y < 28; y++)
            for (int x = 0; x < 28; x++)
            {
                double nearest = double.MaxValue;
                foreach (double[] s in strokes)
                    for (int i = 0; i + 3 < s.Length; i += 2) nearest = Math.Min(nearest, Distance(x, y, s[i], s[i + 1], s[i + 2], s[i + 3]));
                tensor.SetDouble(y * 28 + x, Math.Round(255 * ink * Math.Clamp(pen + 0.5 - nearest, 0, 1)) / 255);
            }
        return [tensor];

        double[] Place(double[] stroke)
        {
            var placed = new double[stroke.Length];
            for (int i = 0; i < stroke.Length; i += 2)
            {
                double x = stroke[i] - 0.5 + 0.02 * (random.NextDouble() - 0.5), y = stroke[i + 1] - 0.5 + 0.02 * (random.NextDouble() - 0.5);
                x -= slant * y;
                placed[i] = moveX + size * (Math.Cos(angle) * x - Math.Sin(angle) * y);
                placed[i + 1] = moveY + size * (Math.Sin(angle) * x + Math.Cos(angle) * y);
            }
            return placed;
        }
    }

    private static double Distance(double x, double y, double ax, double ay, double bx, double by)
    {
        double dx = bx - ax, dy = by - ay, t = Math.Clamp(((x - ax) * dx + (y - ay) * dy) / Math.Max(dx * dx + dy * dy, 1e-9), 0, 1);
        return Math.Sqrt((x - ax - t * dx) * (x - ax - t * dx) + (y - ay - t * dy) * (y - ay - t * dy));
    }
}
