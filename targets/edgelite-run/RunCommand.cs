using EdgeLite.Core;

namespace EdgeLite.Run;

/// <summary><c>edgelite-run run</c>: one inference from .npy files to .npy files.</summary>
internal static class RunCommand
{
    public static void Execute(Arguments arguments)
    {
        using Model model = Model.Load(arguments.Next("the model file"), Commands.ReadLoadOptions(arguments));
        List<string> inputs = arguments.All("--in");
        string directory = arguments.Value("--out") ?? throw Arguments.Usage("--out DIR is missing");
        if (File.Exists(directory)) throw Arguments.Usage($"--out '{directory}' is a file; it names the folder for the outputs");
        using Session session = Commands.OpenSession(model, arguments, defaultThreads: 0);
        arguments.Finish();
        InputFiles.Read(session, inputs);
        session.Run();
        try
        {
            Directory.CreateDirectory(directory);
        }
        catch (Exception e) when (FileFailure.Is(e))
        {
            throw FileFailure.Writing(directory, e);
        }
        var names = new List<string>();
        for (int i = 0; i < session.OutputCount; i++)
        {
            string name = FileName(session.OutputName(i));
            while (names.Contains(name)) name += "_";
            names.Add(name);
            Write(Path.Combine(directory, name), session.Output(i));
        }
    }

    /// <summary>A tensor is a file; of a list each element is one, numbered: NAME.0.npy, NAME.1.npy ...</summary>
    private static void Write(string path, Tensor value)
    {
        if (value.IsList)
        {
            Output.WriteLine($"{path}  {value}, {value.Elements.Length} elements");
            for (int i = 0; i < value.Elements.Length; i++) Write($"{path}.{i}", value.Elements[i]);
            return;
        }
        NpyFile.Write(path + ".npy", value);
        Output.WriteLine($"{path}.npy  {value}");
    }

    /// <summary>Characters outside [A-Za-z0-9_.-] become _; of a name that is too long for a file, the end.</summary>
    private static string FileName(string output)
    {
        const int Longest = 200;
        char[] name = output.ToCharArray(Math.Max(0, output.Length - Longest), Math.Min(output.Length, Longest));
        foreach (ref char c in name.AsSpan())
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-')) c = '_';
        return new string(name);
    }
}
