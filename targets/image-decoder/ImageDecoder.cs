using EdgeLite.Core;
using EdgeLite.Ops;
using ImageMagick;

namespace EdgeLite.ImageDecoding;

/// <summary>
/// ONNX's ImageDecoder: the bytes of a picture file, uint8 [n], become its pixels, uint8 [height,width,3], or [height,width,1] for
/// <c>Grayscale</c>. Formats are those that the operator's specification names. An extension of its own, so that the runtime carries no
/// codecs: call <see cref="Register"/> before a model that uses it is converted or a session created.
/// </summary>
public sealed class ImageDecoder : CustomOperator
{
    private const string Rgb = "RGB", Bgr = "BGR", Grayscale = "Grayscale";

    /// <summary>Makes the operator known to every model prepared from now on.</summary>
    public static void Register() => OperatorTable.Register("", "ImageDecoder", "encoded_stream", "image", () => new ImageDecoder());

    public override bool HasDataDependentShape => true;

    private string PixelFormat => Attributes.String("pixel_format", Rgb);

    public override void Infer(InferContext context)
    {
        if (context.DType(0) is not (DType.UInt8 or DType.Undefined)) throw context.Error($"the encoded stream has type {context.DType(0).Name()}, expected uint8");
        if (context.Shape(0) is { IsRanked: true } shape && shape.Rank != 1) throw context.Error($"the encoded stream has shape {shape}, expected one dimension");
        if (PixelFormat is not (Rgb or Bgr or Grayscale)) throw context.Error($"pixel_format is '{PixelFormat}', expected RGB, BGR or Grayscale");
        context.SetOutput(0, DType.UInt8, new Shape(Shape.Unknown, Shape.Unknown, PixelFormat == Grayscale ? 1 : 3));
    }

    public override void Compute(ComputeContext context)
    {
        ReadOnlySpan<byte> file = context.Input(0).Bytes;
        MagickFormat format = FormatOf(file);
        if (format == MagickFormat.Unknown)
            throw context.Error($"the stream of {file.Length} bytes is of no format that is read: BMP, JPEG, JPEG 2000, PNG, TIFF, WebP, portable any map");
        try
        {
            using var picture = new MagickImage(file, new MagickReadSettings { Format = format });
            picture.ColorSpace = ColorSpace.sRGB;
            int height = (int)picture.Height, width = (int)picture.Width;
            using IPixelCollection<byte> pixels = picture.GetPixels();
            byte[] rgb = pixels.ToByteArray(PixelFormat == Bgr ? PixelMapping.BGR : PixelMapping.RGB)
                ?? throw context.Error("the picture has no pixels");
            Tensor image = context.Allocate(0, DType.UInt8, new Shape(height, width, PixelFormat == Grayscale ? 1 : 3));
            Span<byte> target = image.Span<byte>();
            if (PixelFormat != Grayscale)
            {
                rgb.CopyTo(target);
                return;
            }
            // ITU-R BT.601 luma in 16-bit fixed point: 0.299 R + 0.587 G + 0.114 B, rounded.
            for (int i = 0; i < target.Length; i++)
                target[i] = (byte)((rgb[3 * i] * 19595 + rgb[3 * i + 1] * 38470 + rgb[3 * i + 2] * 7471 + 0x8000) >> 16);
        }
        catch (MagickException e)
        {
            throw context.Error($"the {format.ToString().ToUpperInvariant()} stream cannot be decoded: {e.Message}");
        }
    }

    /// <summary>The format by its first bytes; only these codecs are ever reached.</summary>
    private static MagickFormat FormatOf(ReadOnlySpan<byte> file) =>
        file.StartsWith((ReadOnlySpan<byte>)[0x89, (byte)'P', (byte)'N', (byte)'G']) ? MagickFormat.Png
        : file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xD8, 0xFF]) ? MagickFormat.Jpeg
        : file.StartsWith("BM"u8) ? MagickFormat.Bmp
        : file.StartsWith("II*\0"u8) || file.StartsWith("MM\0*"u8) ? MagickFormat.Tiff
        : file.Length > 12 && file.StartsWith("RIFF"u8) && file[8..].StartsWith("WEBP"u8) ? MagickFormat.WebP
        : file.Length > 12 && file[4..].StartsWith("jP  "u8) ? MagickFormat.Jp2
        : file.StartsWith((ReadOnlySpan<byte>)[0xFF, 0x4F, 0xFF, 0x51]) ? MagickFormat.J2k
        : file.Length > 2 && file[0] == 'P' && file[1] is >= (byte)'1' and <= (byte)'6' ? MagickFormat.Pnm
        : MagickFormat.Unknown;
}
