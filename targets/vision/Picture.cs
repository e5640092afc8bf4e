using EdgeLite.Core;
using StbImageSharp;

namespace EdgeLite.Vision;

/// <summary>A picture of 8-bit red, green and blue, row by row from the top left.</summary>
internal sealed class Picture(int width, int height, byte[] rgb)
{
    public int Width { get; } = width;
    public int Height { get; } = height;
    public byte[] Rgb { get; } = rgb.Length == 3L * width * height ? rgb
        : throw new EdgeLiteException(Status.InvalidShape, $"{rgb.Length} bytes are no picture of {width} x {height}.");

    /// <summary>Reads a JPEG, PNG or BMP file.</summary>
    public static Picture Load(string path)
    {
        if (!File.Exists(path)) throw new EdgeLiteException(Status.FileNotFound, $"There is no picture '{path}'.");
        return Decode(File.ReadAllBytes(path), path);
    }

    /// <summary>Reads a JPEG, PNG or BMP file from memory.</summary>
    public static Picture Decode(byte[] bytes, string name)
    {
        try
        {
            ImageResult image = ImageResult.FromMemory(bytes, ColorComponents.RedGreenBlue);
            return new Picture(image.Width, image.Height, image.Data);
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            throw new EdgeLiteException(Status.Corrupt, $"'{name}' cannot be read as a picture: {e.Message}", e);
        }
    }

    /// <summary>
    /// Fits the picture into the square that <paramref name="target"/> ([1,size,size,3] or [1,3,size,size], float32) holds, keeping
    /// its proportions, the rest being black; 0..255 becomes <paramref name="low"/>..<paramref name="high"/>. Returns where it lies.
    /// </summary>
    public Placement FitInto(Tensor target, float low, float high)
    {
        if (target.DType != DType.Float32 || target.Shape.Rank != 4 || target.Shape[0] != 1)
            throw new EdgeLiteException(Status.Unsupported, $"A picture goes into a float32 tensor [1,size,size,3] or [1,3,size,size], not into {target}.");
        bool channelsLast = target.Shape[3] == 3;
        int height = (int)target.Shape[channelsLast ? 1 : 2], width = (int)target.Shape[channelsLast ? 2 : 3];
        if (!channelsLast && target.Shape[1] != 3)
            throw new EdgeLiteException(Status.Unsupported, $"{target} has no dimension of three colours.");
        double scale = Math.Min((double)width / Width, (double)height / Height);
        var placement = new Placement(scale, (width - Width * scale) / 2, (height - Height * scale) / 2);
        Span<float> data = target.Span<float>();
        // Shrinking averages taps x taps samples of the area that a target pixel covers.
        int taps = Math.Max(1, (int)Math.Ceiling(1 / scale));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++)
            {
                (double r, double g, double b) = (0, 0, 0);
                for (int i = 0; i < taps * taps; i++)
                {
                    double sx = (x + (i % taps + 0.5) / taps - placement.Left) / scale, sy = (y + (i / taps + 0.5) / taps - placement.Top) / scale;
                    AddSample(sx, sy, ref r, ref g, ref b);
                }
                double weight = (high - low) / (255.0 * taps * taps);
                int at = channelsLast ? (y * width + x) * 3 : y * width + x, step = channelsLast ? 1 : width * height;
                data[at] = (float)(low + r * weight);
                data[at + step] = (float)(low + g * weight);
                data[at + 2 * step] = (float)(low + b * weight);
            }
        }
        return placement;
    }

    /// <summary>Bilinear sample at a point in pixels (centre of the first pixel: 0.5, 0.5); black outside.</summary>
    private void AddSample(double x, double y, ref double r, ref double g, ref double b)
    {
        if (x < 0 || y < 0 || x >= Width || y >= Height) return;
        double fx = Math.Clamp(x - 0.5, 0, Width - 1), fy = Math.Clamp(y - 0.5, 0, Height - 1);
        int x0 = (int)fx, y0 = (int)fy, x1 = Math.Min(x0 + 1, Width - 1), y1 = Math.Min(y0 + 1, Height - 1);
        fx -= x0;
        fy -= y0;
        Add((1 - fx) * (1 - fy), x0, y0, ref r, ref g, ref b);
        Add(fx * (1 - fy), x1, y0, ref r, ref g, ref b);
        Add((1 - fx) * fy, x0, y1, ref r, ref g, ref b);
        Add(fx * fy, x1, y1, ref r, ref g, ref b);
    }

    private void Add(double weight, int x, int y, ref double r, ref double g, ref double b)
    {
        int at = (y * Width + x) * 3;
        r += weight * Rgb[at];
        g += weight * Rgb[at + 1];
        b += weight * Rgb[at + 2];
    }
}

/// <summary>Where a picture lies in a tensor: tensor = picture * Scale + (Left, Top), in pixels.</summary>
internal readonly record struct Placement(double Scale, double Left, double Top);
