using EdgeLite.Vision;
using StbImageWriteSharp;

namespace EdgeLite.DemoFace;

/// <summary>Marks faces in a picture and writes it.</summary>
internal static class Drawing
{
    public static void Mark(Picture picture, IEnumerable<Face> faces)
    {
        int stroke = Math.Max(2, Math.Min(picture.Width, picture.Height) / 200);
        foreach (Face face in faces)
        {
            (int left, int top, int right, int bottom) = ((int)face.Left, (int)face.Top, (int)face.Right, (int)face.Bottom);
            Fill(picture, left, top, right, top + stroke, 0, 230, 90);
            Fill(picture, left, bottom - stroke, right, bottom, 0, 230, 90);
            Fill(picture, left, top, left + stroke, bottom, 0, 230, 90);
            Fill(picture, right - stroke, top, right, bottom, 0, 230, 90);
            foreach ((float x, float y) in face.Points)
                Fill(picture, (int)x - stroke, (int)y - stroke, (int)x + stroke, (int)y + stroke, 255, 70, 70);
        }
    }

    /// <summary>Writes a PNG: first under a temporary name, then renamed, so that it is there whole or not at all.</summary>
    public static void Write(Picture picture, string path)
    {
        string temporary = path + ".tmp";
        using (FileStream stream = File.Create(temporary))
            new ImageWriter().WritePng(picture.Rgb, picture.Width, picture.Height, ColorComponents.RedGreenBlue, stream);
        File.Move(temporary, path, overwrite: true);
    }

    private static void Fill(Picture picture, int left, int top, int right, int bottom, byte r, byte g, byte b)
    {
        for (int y = Math.Max(0, top); y < Math.Min(picture.Height, bottom); y++)
        {
            for (int x = Math.Max(0, left); x < Math.Min(picture.Width, right); x++)
            {
                int at = (y * picture.Width + x) * 3;
                (picture.Rgb[at], picture.Rgb[at + 1], picture.Rgb[at + 2]) = (r, g, b);
            }
        }
    }
}
