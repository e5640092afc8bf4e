using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>The code folder of an archive: file code/__torch__/a/b.py holds what is called __torch__.a.b.Name. Files are parsed when
/// they are first needed.</summary>
/// <param name="parse">a file by its name; null: it is not there</param>
internal sealed class TorchCode(Func<string, TorchModule?> parse)
{
    private const int MaxFile = 64 << 20;
    private readonly Dictionary<string, TorchModule?> _modules = new(StringComparer.Ordinal);

    public TorchCode(TorchArchive archive) : this(file => Parse(archive, file)) { }

    public TorchFunction? Function(string qualified) => Split(qualified, out string name) is { } m ? m.Functions.GetValueOrDefault(name) : null;

    public TorchClass? Class(string qualified) => Split(qualified, out string name) is { } m ? m.Classes.GetValueOrDefault(name) : null;

    public TorchFunction? Method(string type, string name) => Class(type)?.Methods.GetValueOrDefault(name);

    private TorchModule? Split(string qualified, out string name)
    {
        int dot = qualified.LastIndexOf('.');
        name = qualified[(dot + 1)..];
        if (dot < 0) return null;
        string file = $"code/{qualified[..dot].Replace('.', '/')}.py";
        if (_modules.TryGetValue(file, out TorchModule? known)) return known;
        return _modules[file] = parse(file);
    }

    private static TorchModule? Parse(TorchArchive archive, string file)
    {
        if (!archive.Has(file)) return null;
        byte[] bytes = archive.Bytes(file);
        if (bytes.Length > MaxFile) throw new EdgeLiteException(Status.Corrupt, $"'{file}' has {bytes.Length} bytes, more than any code.");
        return TorchParser.Parse(file, Encoding.UTF8.GetString(bytes));
    }
}
