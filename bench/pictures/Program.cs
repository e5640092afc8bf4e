using System.Globalization;
using StbImageSharp;
using StbImageWriteSharp;
using Read = StbImageSharp.ColorComponents;
using Write = StbImageWriteSharp.ColorComponents;

// pictures FOLDER COUNT PHOTOGRAPH..: square pieces of photographs as JPEG files in their own resolution, at seeded places and sizes,
// some mirrored: the same files for the same photographs.
if (args.Length < 3 || !int.TryParse(args[1], NumberStyles.None, CultureInfo.InvariantCulture, out int count))
{
    Console.Error.WriteLine("usage: pictures FOLDER COUNT PHOTOGRAPH..");
    return 1;
}
ImageResult[] photographs = [.. args[2..].Select(f => ImageResult.FromMemory(File.ReadAllBytes(f), Read.RedGreenBlue))];
Directory.CreateDirectory(args[0]);
var random = new Random(1);
for (int i = 0; i < count; i++)
{
    ImageResult photograph = photographs[i % photographs.Length];
    int least = Math.Min(photograph.Width, photograph.Height), side = (int)(least * (0.3 + 0.7 * random.NextDouble()));
    int left = random.Next(photograph.Width - side + 1), top = random.Next(photograph.Height - side + 1);
    bool mirrored = random.Next(2) == 1;
    var piece = new byte[side * side * 3];
    for (int y = 0; y < side; y++)
        for (int x = 0; x < side; x++)
            photograph.Data.AsSpan(((top + y) * photograph.Width + left + (mirrored ? side - 1 - x : x)) * 3, 3).CopyTo(piece.AsSpan((y * side + x) * 3));
    using FileStream file = File.Create(Path.Combine(args[0], string.Create(CultureInfo.InvariantCulture, $"piece{i:D3}.jpg")));
    new ImageWriter().WriteJpg(piece, side, side, Write.RedGreenBlue, file, 90);
}
return 0;
