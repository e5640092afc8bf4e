using System.Diagnostics;
using EdgeLite;
using EdgeLite.Core;
using EdgeLite.DemoFace;
using EdgeLite.Vision;

if (args.Length != 3 || args[0].StartsWith('-'))
{
    Console.WriteLine("usage: demo-face MODEL.edgl PICTURE RESULT.png    finds faces and draws them; exit status 2 when there is none");
    return args is ["--help"] ? 0 : 1;
}
try
{
    long start = Stopwatch.GetTimestamp();
    using Model model = Model.Load(args[0]);
    using Session session = model.CreateSession();
    var detector = new FaceDetector(session);
    double load = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    Picture picture = Picture.Load(args[1]);
    List<Face> faces = detector.Find(picture);
    start = Stopwatch.GetTimestamp();
    session.Run();
    double run = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
    Drawing.Mark(picture, faces);
    Drawing.Write(picture, args[2]);
    foreach (Face f in faces)
        Console.WriteLine(FormattableString.Invariant($"face  {f.Score:0.00}  x {f.Left:0}..{f.Right:0}  y {f.Top:0}..{f.Bottom:0}"));
    Console.WriteLine(FormattableString.Invariant($"{faces.Count} face{(faces.Count == 1 ? "" : "s")} in {args[1]} ({picture.Width} x {picture.Height}); model loaded in {load:0.0} ms, one inference {run:0.0} ms on {session.Threads} threads; drawn in {args[2]}"));
    return faces.Count > 0 ? 0 : 2;
}
catch (Exception e) when (e is EdgeLiteException or IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"demo-face: {e.Message}");
    return 1;
}
