using EdgeLite.Core;
using EdgeLite.Format;

namespace EdgeLite.Run;

/// <summary>The inputs of a session from the files of the options <c>--in</c>: FILE.npy where there is one input, otherwise NAME=FILE.npy for each.</summary>
internal static class InputFiles
{
    /// <summary>Reads files where they are given, and clears the inputs where none are.</summary>
    public static void ReadOrClear(Session session, List<string> files)
    {
        if (files.Count > 0)
        {
            Read(session, files);
            return;
        }
        for (int i = 0; i < session.InputCount; i++)
            if (session.Input(i).DType != DType.String) session.Input(i).Bytes.Clear();
    }

    /// <summary>An input that is a list takes as many files as are given for it.</summary>
    public static void Read(Session session, List<string> files)
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
                if (path.Length == 0) throw Arguments.Usage($"--in '{text}' names no file");
            }
            else if (session.InputCount != 1)
            {
                throw Arguments.Usage($"the model has {session.InputCount} inputs: write --in NAME=FILE.npy for each");
            }
            Tensor tensor = NpyFile.Read(path);
            if (tensors[input] is { IsList: true } list) Append(list, tensor);
            else if (tensors[input] == null) tensors[input] = tensor;
            else throw Arguments.Usage($"input '{session.InputName(input)}' is given twice");
        }
        for (int i = 0; i < tensors.Length; i++)
        {
            if (tensors[i] == null && IsState(session, i)) continue; // zeros, as before its first run
            if (tensors[i] == null)
                throw new EdgeLiteException(Status.InvalidArgument, $"Input '{session.InputName(i)}' ({session.InputType(i).DType.Name()}{session.DescribeInput(i)}) is missing: give it with --in {session.InputName(i)}=FILE.npy.");
            if (tensors[i]!.IsList) continue;
            DType declared = session.InputType(i).DType;
            if (tensors[i]!.DType != declared)
                throw new EdgeLiteException(Status.InvalidType, $"Input '{session.InputName(i)}' is {declared.Name()}, the file holds {tensors[i]!.DType.Name()}.");
            session.Resize(i, tensors[i]!.Shape);
        }
        for (int i = 0; i < tensors.Length; i++)
            if (tensors[i] is { } tensor) session.SetInput(i, tensor);
    }

    /// <summary>Whether the session hands the input on itself, from a size that is known.</summary>
    private static bool IsState(Session session, int input)
    {
        foreach (StateBinding state in session.States)
            if (state.Input == input) return session.ChosenInputType(input).IsKnown;
        return false;
    }

    private static void Append(Tensor list, Tensor tensor)
    {
        if (list.Kind != ValueKind.OptionalSequence) list.Elements = [.. list.Elements, tensor.Clone()];
        else if (list.Elements.Length == 0) list.Elements = [Tensor.Sequence(list.DType, tensor)];
        else Append(list.Elements[0], tensor);
    }
}
