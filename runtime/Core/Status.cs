namespace EdgeLite.Core;

/// <summary>What went wrong, as the C API returns it. Ranges: 1-99 caller, 100-199 model file, 200-299 graph, 300-399 system.</summary>
public enum Status
{
    Ok = 0,

    InvalidArgument = 1,
    InvalidShape = 2,
    InvalidType = 3,
    NotFound = 4,
    BufferTooSmall = 5,
    InvalidState = 6,

    FileNotFound = 100,
    NotAModel = 101,
    Corrupt = 102,
    NewerVersion = 103,
    Truncated = 104,
    BadSignature = 105,

    UnknownOperator = 200,
    InvalidGraph = 201,
    Unsupported = 202,
    RuntimeFailure = 203,
    SelfTestFailed = 204,

    OutOfMemory = 300,
    IoError = 301,
    Internal = 399,
}

/// <summary>
/// The one exception of the runtime, thrown while a model is loaded or prepared and by wrong calls of the public API.
/// The message says what, where, expected, got and what to do. The C API turns it into its <see cref="Status"/>.
/// </summary>
public sealed class EdgeLiteException(Status status, string message, Exception? inner = null) : Exception(message, inner)
{
    public Status Status { get; } = status;
}
