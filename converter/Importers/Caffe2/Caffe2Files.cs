using System.Text;
using EdgeLite.Converter.Importers.Caffe2.Proto;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.Caffe2;

/// <summary>A Caffe2 model is two networks: one that computes, and one that fills its weights. They lie side by side as .pb or .pbtxt.</summary>
internal static class Caffe2Files
{
    private static readonly (string Predict, string Init)[] s_names = [("predict", "init"), ("exec", "init"), ("pred", "init")];

    private enum Kind
    {
        None,
        Predict,
        Init,
    }

    public static bool IsNet(ReadOnlySpan<byte> head) => KindOf(head) != Kind.None;

    public static bool IsModel(string folder) => NetsOf(folder) is { Predict.Length: 1, Init.Length: 1 };

    /// <summary>Both networks, for a file of the pair or their folder.</summary>
    public static (NetDef Predict, NetDef Init, string Path) Read(string path)
    {
        if (Directory.Exists(path))
        {
            (string[] predicts, string[] inits) = NetsOf(path);
            if (predicts.Length != 1 || inits.Length != 1) throw Ambiguous(path, predicts, inits);
            return (Read1(predicts[0]), Read1(inits[0]), predicts[0]);
        }
        Kind kind = KindOf(ModelFile.Head(path));
        if (kind == Kind.None) throw new EdgeLiteException(Status.NotAModel, $"'{path}' is not a Caffe2 network.");
        NetDef net = Read1(path);
        string? other = Beside(path, kind);
        if (kind == Kind.Init)
            return (Read1(other ?? throw new EdgeLiteException(Status.FileNotFound, $"'{path}' holds only weights; the network (predict_net.pb) must lie beside it.")), net, other);
        // Without weights a network is complete when all it reads are its inputs.
        if (other == null && net.ExternalInput.Count > 1)
            throw new EdgeLiteException(Status.FileNotFound, $"'{path}' has no weights; the network that fills them (init_net.pb) must lie beside it.");
        return (net, other == null ? new NetDef() : Read1(other), path);
    }

    private static string? Beside(string path, Kind kind)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!, file = Path.GetFileName(path);
        foreach ((string predict, string init) in s_names)
        {
            string partner = kind == Kind.Predict ? file.Replace(predict, init, StringComparison.OrdinalIgnoreCase) : file.Replace(init, predict, StringComparison.OrdinalIgnoreCase);
            if (partner == file) continue;
            foreach (string extension in (string[])[Path.GetExtension(file), ".pb", ".pbtxt"])
                if (Path.Combine(folder, Path.ChangeExtension(partner, extension)) is var candidate && File.Exists(candidate) && KindOf(ModelFile.Head(candidate)) != Kind.None) return candidate;
        }
        (string[] predicts, string[] inits) = NetsOf(folder);
        string[] found = kind == Kind.Predict ? inits : predicts;
        return found.Length switch { 0 => null, 1 => found[0], _ => throw Ambiguous(folder, predicts, inits) };
    }

    private static EdgeLiteException Ambiguous(string folder, string[] predicts, string[] inits) => new(Status.InvalidArgument,
        $"'{folder}' holds {predicts.Length} Caffe2 networks and {inits.Length} that fill weights; name the network x_predict_net.pb and its weights x_init_net.pb.");

    private static (string[] Predict, string[] Init) NetsOf(string folder)
    {
        var nets = new List<(string Path, Kind Kind)>();
        foreach (string file in ModelFile.In(folder)) nets.Add((file, KindOf(ModelFile.Head(file))));
        return ([.. nets.Where(n => n.Kind == Kind.Predict).Select(n => n.Path)], [.. nets.Where(n => n.Kind == Kind.Init).Select(n => n.Path)]);
    }

    private static NetDef Read1(string path) => IsText(ModelFile.Head(path)) ? ProtoText.Read<NetDef>(path) : ProtoFile.Read(path, NetDef.Parser);

    /// <summary>Told from the first operator: one that has no inputs fills a weight.</summary>
    private static Kind KindOf(ReadOnlySpan<byte> head)
    {
        if (IsText(head)) return KindOfText(Encoding.UTF8.GetString(head));
        var net = new ProtoScan(head);
        while (net.Next())
        {
            if (net.Wire != 2 || net.Field is not (1 or 2 or 3)) return Kind.None;
            if (net.Field != 2)
            {
                if (!net.IsText) return Kind.None;
                continue;
            }
            bool hasInput = false, hasOutput = false, hasType = false;
            var op = new ProtoScan(net.Bytes);
            while (op.Next())
            {
                if (op.Wire != 2 || op.Field > 12) return Kind.None; // a layer of Caffe has its type as a number in field 5
                // Caffe2 writes a name even where it is empty.
                if (op.Field is 1 or 2 or 3 or 4 && (!op.IsText && op.Bytes.Length > 0 || op.Bytes.Length == 0 && op.Field != 3)) return Kind.None;
                hasInput |= op.Field == 1;
                hasOutput |= op.Field == 2;
                hasType |= op.Field == 4;
                if (op.Field > 4) break;
            }
            return !hasType || !hasInput && !hasOutput || op.IsBroken ? Kind.None : hasInput ? Kind.Predict : Kind.Init;
        }
        return Kind.None;
    }

    private static Kind KindOfText(string text)
    {
        int first = Find(text, 0);
        if (first < 0) return Kind.None;
        int second = Find(text, first + 1);
        string op = text[first..(second < 0 ? text.Length : second)];
        if (!op.Contains("type:", StringComparison.Ordinal) || !op.Contains("output:", StringComparison.Ordinal)) return Kind.None;
        return op.Contains("input:", StringComparison.Ordinal) ? Kind.Predict : Kind.Init;

        static int Find(string text, int from)
        {
            for (int at = text.IndexOf("op", from, StringComparison.Ordinal); at >= 0; at = text.IndexOf("op", at + 1, StringComparison.Ordinal))
            {
                int after = at + 2;
                while (after < text.Length && text[after] is ' ' or '\t') after++;
                if ((at == 0 || text[at - 1] is '\n' or ' ' or '\t' or '}') && after < text.Length && text[after] is '{') return at;
            }
            return -1;
        }
    }

    private static bool IsText(ReadOnlySpan<byte> head)
    {
        foreach (byte b in head[..Math.Min(head.Length, 4096)])
            if (b < 32 && b is not (9 or 10 or 13)) return false;
        return head.Length > 0;
    }
}
