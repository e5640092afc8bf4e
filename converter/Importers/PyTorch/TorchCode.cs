using System.Text;
using EdgeLite.Core;

namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>The code folder of an archive: file code/__torch__/a/b.py holds what is called __torch__.a.b.Name. Files are parsed when
/// they are first needed.</summary>
internal sealed class TorchCode(TorchArchive archive)
{
    private readonly Dictionary<string, TorchModule?> _modules = new(StringComparer.Ordinal);

    public TorchFunction? Function(string qualified) => Split(qualified, out string name) is { } m ? m.Functions.GetValueOrDefault(name) : null;

    public TorchClass? Class(string qualified) => Split(qualified, out string name) is { } m ? m.Classes.GetValueOrDefault(name) : null;

    public TorchFunction? Method(string type, string name) => Class(type)?.Methods.GetValueOrDefault(name);

    private TorchModule? Split(string qualified, out string name)
    {
        int dot = qualified.LastIndexOf('.');
        name = qualified[(dot + 1)..];
        if (dot < 0) return null;
        string file = $"code/{qualified[..dot].Replace('.', '/')}.py";
        if (_modules.TryGetValue(file, out TorchModule? module)) return module;
        if (archive.Has(file))
        {
            byte[] bytes = archive.Bytes(file);
            if (bytes.Length > 64 << 20) throw new EdgeLiteException(Status.Corrupt, $"'{file}' has {bytes.Length} bytes, more than any code.");
            module = TorchParser.Parse(file, Encoding.UTF8.GetString(bytes));
        }
        return _modules[file] = module;
    }
}
