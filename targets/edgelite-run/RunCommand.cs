using EdgeLite.Core;

namespace EdgeLite.Run;

/// <summary><c>edgelite-run run</c>: one inference from .npy files to .npy files.</summary>
internal static class RunCommand
{
    public static void Execute(Arguments arguments)
    {
        using Model model = Model.Load(arguments.Next("the model file"));
        List<string> inputs = arguments.All("--in");
        string directory = arguments.Value("--out") ?? throw Arguments.Usage("--out DIR is missing");
        using Session session = Commands.OpenSession(model, arguments, defaultThreads: 0);
        arguments.Finish();
        FillInputs(session, inputs);
        session.Run();
        Directory.CreateDirectory(directory);
        for (int i = 0; i < session.OutputCount; i++)
        {
            Write(Path.Combine(directory, FileName(session.OutputName(i))), session.Output(i));
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

    /// <summary>An input that is a list takes as many files as are given for it.</summary>
    private static void FillInputs(Session session, List<string> files)
    {
        var tensors = new Tensor?[session.InputCount];
        for (int i = 0; i < tensors.Length; i++)
            if (session.InputType(i).IsList) tensors[i] = Tensor.OfType(session.InputType(i));
        foreach (string text in files)
        {
            int input = 0;
            string path = text;
            int equals = text.IndexOf('=');
            if (equals > 0 && !File.Exists(text))
            {
                input = session.FindInput(text[..equals]);
                path = text[(equals + 1)..];
            }
            else if (session.InputCount != 1)
            {
                throw Arguments.Usage($"the model has {session.InputCount} inputs: write --in NAME=FILE.npy for each");
            }
            Tensor tensor = NpyFile.Read(path);
            if (tensors[input] is { IsList: true } list) Append(list, tensor);
            else tensors[input] = tensor;
        }
        for (int i = 0; i < tensors.Length; i++)
        {
            if (tensors[i] == null)
                throw new EdgeLiteException(Status.InvalidArgument, $"Input '{session.InputName(i)}' ({session.InputType(i).DType.Name()}{session.DescribeInput(i)}) is missing: give it with --in {session.InputName(i)}=FILE.npy.");
            if (tensors[i]!.IsList) continue;
            DType declared = session.InputType(i).DType;
            if (tensors[i]!.DType != declared)
                throw new EdgeLiteException(Status.InvalidType, $"Input '{session.InputName(i)}' is {declared.Name()}, the file holds {tensors[i]!.DType.Name()}.");
            session.Resize(i, tensors[i]!.Shape);
        }
        for (int i = 0; i < tensors.Length; i++) session.SetInput(i, tensors[i]!);
    }

    private static void Append(Tensor list, Tensor tensor)
    {
        if (list.Kind != ValueKind.OptionalSequence) list.Elements = [.. list.Elements, tensor.ToElement()];
        else if (list.Elements.Length == 0) list.Elements = [Tensor.Sequence(list.DType, tensor)];
        else Append(list.Elements[0], tensor);
    }

    /// <summary>Characters outside [A-Za-z0-9_.-] become _.</summary>
    private static string FileName(string output)
    {
        char[] name = output.ToCharArray();
        foreach (ref char c in name.AsSpan())
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-')) c = '_';
        return new string(name);
    }
}
