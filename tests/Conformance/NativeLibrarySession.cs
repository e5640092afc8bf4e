using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Conformance;

/// <summary>Runs model files through a built libedgelite.so, as a C program does. Strings and lists, which C does not see, are not run.</summary>
internal sealed unsafe class NativeLibrarySession
{
    private readonly nint _library;
    private readonly delegate* unmanaged<nint> _lastError;

    public NativeLibrarySession(string path)
    {
        _library = NativeLibrary.Load(Path.GetFullPath(path));
        _lastError = (delegate* unmanaged<nint>)Export("el_last_error");
    }

    public Tensor[] Run(byte[] file, Tensor[] inputs)
    {
        if (inputs.Any(i => i.IsList || i.Strings != null)) throw new NotSupportedException("C sees no strings and no lists");
        var load = (delegate* unmanaged<byte*, nuint, nint*, Status>)Export("el_model_load_memory");
        var freeModel = (delegate* unmanaged<nint, Status>)Export("el_model_free");
        var create = (delegate* unmanaged<nint, void*, nint*, Status>)Export("el_session_create");
        var freeSession = (delegate* unmanaged<nint, Status>)Export("el_session_free");
        nint model = 0, session = 0;
        try
        {
            fixed (byte* data = file) Check(load(data, (nuint)file.Length, &model));
            Check(create(model, null, &session));
            return RunSession(session, inputs);
        }
        finally
        {
            Check(freeSession(session));
            Check(freeModel(model));
        }
    }

    private Tensor[] RunSession(nint session, Tensor[] inputs)
    {
        var resize = (delegate* unmanaged<nint, int, long*, int, Status>)Export("el_session_resize_input");
        var set = (delegate* unmanaged<nint, int, void*, nuint, Status>)Export("el_session_set_input");
        var run = (delegate* unmanaged<nint, Status>)Export("el_session_run");
        var count = (delegate* unmanaged<nint, int*, Status>)Export("el_session_output_count");
        for (int i = 0; i < inputs.Length; i++)
            fixed (long* dims = inputs[i].Shape.AsSpan()) Check(resize(session, i, dims, inputs[i].Shape.Rank));
        for (int i = 0; i < inputs.Length; i++) Check(set(session, i, inputs[i].Data, (nuint)inputs[i].ByteLength));
        Check(run(session));
        int outputs;
        Check(count(session, &outputs));
        return [.. Enumerable.Range(0, outputs).Select(i => Output(session, i))];
    }

    private Tensor Output(nint session, int i)
    {
        var type = (delegate* unmanaged<nint, int, DType*, Status>)Export("el_session_output_dtype");
        var shape = (delegate* unmanaged<nint, int, long*, int, int*, Status>)Export("el_session_output_shape");
        var get = (delegate* unmanaged<nint, int, void*, nuint, Status>)Export("el_session_get_output");
        int dtype = 0, rank;
        Check(type(session, i, (DType*)&dtype));
        if ((DType)dtype == DType.String) throw new NotSupportedException("C sees no strings");
        long* dims = stackalloc long[Shape.MaxRank];
        Check(shape(session, i, dims, Shape.MaxRank, &rank));
        if (rank < 0) throw new NotSupportedException("C sees no lists");
        var tensor = new Tensor((DType)dtype, new Shape(new ReadOnlySpan<long>(dims, rank)));
        Check(get(session, i, tensor.Data, (nuint)tensor.ByteLength));
        return tensor;
    }

    private nint Export(string name) => NativeLibrary.GetExport(_library, name);

    private void Check(Status status)
    {
        if (status != Status.Ok) throw Failure(status, Marshal.PtrToStringUTF8(_lastError())!);
    }

    /// <summary>What a failure of the library is to a test: what C cannot see is not run.</summary>
    public static Exception Failure(Status status, string message) =>
        status == Status.Unsupported && message.Contains("no memory that C could see", StringComparison.Ordinal) ? new NotSupportedException("C sees no strings and no lists")
        : status == Status.UnknownOperator && message.Contains("ImageDecoder", StringComparison.Ordinal) ? new NotSupportedException("ImageDecoder is registered in C# only")
        : new EdgeLiteException(status, message);
}
