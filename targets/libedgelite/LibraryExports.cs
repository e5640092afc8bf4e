using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Native;

/// <summary>The functions of edgelite.h that concern the library and models.</summary>
internal static unsafe class LibraryExports
{
    private static readonly nint s_version = Marshal.StringToCoTaskMemUTF8(Release.Version);

    [UnmanagedCallersOnly(EntryPoint = "el_version")]
    public static nint Version() => s_version;

    [UnmanagedCallersOnly(EntryPoint = "el_last_error")]
    public static nint LastError() => Border.LastError;

    [UnmanagedCallersOnly(EntryPoint = "el_status_name")]
    public static byte* StatusName(Status status)
    {
        ReadOnlySpan<byte> name = status switch
        {
            Status.Ok => "EL_OK"u8,
            Status.InvalidArgument => "EL_INVALID_ARGUMENT"u8,
            Status.InvalidShape => "EL_INVALID_SHAPE"u8,
            Status.InvalidType => "EL_INVALID_TYPE"u8,
            Status.NotFound => "EL_NOT_FOUND"u8,
            Status.BufferTooSmall => "EL_BUFFER_TOO_SMALL"u8,
            Status.InvalidState => "EL_INVALID_STATE"u8,
            Status.FileNotFound => "EL_FILE_NOT_FOUND"u8,
            Status.NotAModel => "EL_NOT_A_MODEL"u8,
            Status.Corrupt => "EL_CORRUPT"u8,
            Status.NewerVersion => "EL_NEWER_VERSION"u8,
            Status.Truncated => "EL_TRUNCATED"u8,
            Status.BadSignature => "EL_BAD_SIGNATURE"u8,
            Status.UnknownOperator => "EL_UNKNOWN_OPERATOR"u8,
            Status.InvalidGraph => "EL_INVALID_GRAPH"u8,
            Status.Unsupported => "EL_UNSUPPORTED"u8,
            Status.RuntimeFailure => "EL_RUNTIME_FAILURE"u8,
            Status.SelfTestFailed => "EL_SELF_TEST_FAILED"u8,
            Status.OutOfMemory => "EL_OUT_OF_MEMORY"u8,
            Status.IoError => "EL_IO_ERROR"u8,
            Status.Internal => "EL_INTERNAL"u8,
            _ => "EL_UNKNOWN_STATUS"u8,
        };
        // Literals lie in read-only data and end with a zero byte.
        fixed (byte* text = name) return text;
    }

    [UnmanagedCallersOnly(EntryPoint = "el_model_load")]
    public static Status Load(byte* path, nint* model) => Open(path, null, model);

    [UnmanagedCallersOnly(EntryPoint = "el_model_load_checked")]
    public static Status LoadChecked(byte* path, ModelOptions* options, nint* model) => Open(path, options, model);

    private static Status Open(byte* path, ModelOptions* options, nint* model)
    {
        try
        {
            Border.RequireNotNull(model, "model");
            return Publish(Model.Load(Border.Text(path, "path"), Read(options)), model);
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_model_load_memory")]
    public static Status LoadMemory(byte* data, nuint size, nint* model) => Open(data, size, null, model);

    [UnmanagedCallersOnly(EntryPoint = "el_model_load_memory_checked")]
    public static Status LoadMemoryChecked(byte* data, nuint size, ModelOptions* options, nint* model) => Open(data, size, options, model);

    private static Status Open(byte* data, nuint size, ModelOptions* options, nint* model)
    {
        try
        {
            Border.RequireNotNull(model, "model");
            if (size > 0) Border.RequireNotNull(data, "data");
            if (size > int.MaxValue)
                throw new EdgeLiteException(Status.Unsupported, $"A model of {size} bytes cannot be loaded from memory; at most {int.MaxValue}: load it from its file.");
            return Publish(Model.Load(new ReadOnlySpan<byte>(data, (int)size), options: Read(options)), model);
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_model_free")]
    public static Status Free(nint model)
    {
        try
        {
            if (model != 0) Border.Models.Remove(model).Release();
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_model_metadata")]
    public static Status Metadata(nint model, byte* key, nint* value)
    {
        try
        {
            Border.RequireNotNull(value, "value");
            *value = Border.Models.Get(model).Metadata(Border.Text(key, "key"));
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    [UnmanagedCallersOnly(EntryPoint = "el_model_weight_bytes")]
    public static Status WeightBytes(nint model, long* bytes)
    {
        try
        {
            Border.RequireNotNull(bytes, "bytes");
            *bytes = Border.Models.Get(model).Model.DataBytes;
            return Status.Ok;
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }

    /// <summary><c>el_model_options</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct ModelOptions
    {
        public nuint StructSize;
        public byte* PublicKey;
        public int CheckHash;
    }

    private static LoadOptions? Read(ModelOptions* options)
    {
        if (options == null) return null;
        if (options->StructSize < (nuint)sizeof(ModelOptions))
            throw new EdgeLiteException(Status.InvalidArgument, $"struct_size of the options is {options->StructSize}: set it to sizeof(el_model_options).");
        return new LoadOptions
        {
            CheckHash = options->CheckHash != 0,
            Key = options->PublicKey == null ? null : PublicKey.FromPem(Border.Text(options->PublicKey, "public_key")),
        };
    }

    private static Status Publish(Model model, nint* handle)
    {
        *handle = Border.Models.Add(new ModelHandle(model));
        return Status.Ok;
    }
}
