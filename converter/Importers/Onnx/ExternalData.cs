using System.Globalization;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Onnx;

/// <summary>
/// Tensor data in a file beside the model (keys location, offset, length of TensorProto.external_data). The location comes from
/// an untrusted file: it must be relative and stay, links followed, inside the model's folder.
/// </summary>
internal static class ExternalData
{
    public static unsafe Tensor Read(TensorProto proto, DType type, Shape shape, string? folder)
    {
        if (folder == null) throw OnnxTensor.Bad(proto.Name, Status.InvalidArgument, "its data is in another file, but the model's folder is not known");
        if (type == DType.String) throw OnnxTensor.Bad(proto.Name, Status.Corrupt, "strings cannot be stored as external data");
        string location = "";
        long offset = 0, length = -1;
        foreach (StringStringEntryProto entry in proto.ExternalData)
        {
            switch (entry.Key)
            {
                case "location": location = entry.Value; break;
                case "offset": offset = Number(proto, entry); break;
                case "length": length = Number(proto, entry); break;
            }
        }
        string path = Resolve(proto.Name, location, folder);
        long bytes = type.ByteLength(shape.Count);
        if (length >= 0 && length != bytes)
            throw OnnxTensor.Bad(proto.Name, Status.Corrupt, $"its shape needs {bytes} bytes of external data, {length} are declared");
        try
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read);
            if (offset > stream.Length || stream.Length - offset < bytes)
                throw OnnxTensor.Bad(proto.Name, Status.Truncated, $"'{location}' has {stream.Length} bytes, {bytes} from {offset} on are needed");
            stream.Position = offset;
            var tensor = new Tensor(type, shape);
            const long Chunk = 1 << 24;
            for (long at = 0; at < bytes; at += Chunk) stream.ReadExactly(new Span<byte>(tensor.Data + at, (int)Math.Min(Chunk, bytes - at)));
            return tensor;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new EdgeLiteException(Status.IoError, $"Tensor '{OnnxTensor.Clean(proto.Name)}': external data '{OnnxTensor.Clean(location)}' cannot be read: {e.Message}", e);
        }
    }

    private static long Number(TensorProto proto, StringStringEntryProto entry) =>
        long.TryParse(entry.Value, NumberStyles.None, CultureInfo.InvariantCulture, out long value)
            ? value
            : throw OnnxTensor.Bad(proto.Name, Status.Corrupt, $"external data has the {entry.Key} '{OnnxTensor.Clean(entry.Value)}'");

    private static string Resolve(string tensor, string location, string folder)
    {
        string shown = OnnxTensor.Clean(location);
        if (location.Length == 0) throw OnnxTensor.Bad(tensor, Status.Corrupt, "external data has no location");
        if (location.Contains('\0') || Path.IsPathRooted(location) || location.Contains(':'))
            throw OnnxTensor.Bad(tensor, Status.Corrupt, $"external data location '{shown}' is not a relative path");
        string root = Path.GetFullPath(folder);
        string path = Path.GetFullPath(Path.Combine(root, location.Replace('\\', '/')));
        if (!IsInside(path, root)) throw OnnxTensor.Bad(tensor, Status.Corrupt, $"external data location '{shown}' leaves the model's folder");
        if (!File.Exists(path)) throw OnnxTensor.Bad(tensor, Status.FileNotFound, $"external data file '{shown}' does not exist");
        try
        {
            if (!IsInside(RealPath(path), RealPath(root)))
                throw OnnxTensor.Bad(tensor, Status.Corrupt, $"external data location '{shown}' is a link that leaves the model's folder");
        }
        catch (IOException e)
        {
            throw new EdgeLiteException(Status.IoError, $"External data '{shown}' cannot be read: {e.Message}", e);
        }
        return path;
    }

    private static bool IsInside(string path, string root) =>
        path.StartsWith(root.EndsWith(Path.DirectorySeparatorChar) ? root : root + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    /// <summary>The path with every link in it followed.</summary>
    private static string RealPath(string path)
    {
        string? parent = Path.GetDirectoryName(path);
        if (parent == null) return path;
        string full = Path.Combine(RealPath(parent), Path.GetFileName(path));
        FileSystemInfo info = Directory.Exists(full) ? new DirectoryInfo(full) : new FileInfo(full);
        return info.ResolveLinkTarget(returnFinalTarget: true) is { } target ? RealPath(target.FullName) : full;
    }
}
