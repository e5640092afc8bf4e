using System.Runtime.InteropServices;

namespace EdgeLite.Core;

/// <summary>Why a file cannot be used, in a sentence. Exceptions of the base library have no texts in a small program
/// (UseSystemResourceKeys), so the system is asked.</summary>
public static class FileFailure
{
    /// <summary>Largest number of an error that Linux knows.</summary>
    private const int MaxErrno = 4095;

    /// <summary>Whether an exception is about a file and not about the program.</summary>
    public static bool Is(Exception e) => e is IOException or UnauthorizedAccessException;

    /// <summary>"'m.npy' cannot be read: Permission denied."</summary>
    public static EdgeLiteException Reading(string path, Exception e) => e is FileNotFoundException or DirectoryNotFoundException
        ? new EdgeLiteException(Status.FileNotFound, $"There is no file '{path}'.", e)
        : new EdgeLiteException(Status.IoError, $"'{path}' cannot be read: {(Directory.Exists(path) ? "it is a folder" : Reason(e))}.", e);

    /// <summary>"'m.npy' cannot be written: No space left on device."</summary>
    public static EdgeLiteException Writing(string path, Exception e) =>
        new(Status.IoError, $"'{WholeFile.NameOf(path)}' cannot be written: {(Directory.Exists(path) ? "it is a folder" : e is DirectoryNotFoundException ? "its folder does not exist" : Reason(e))}.", e);

    /// <summary>What the system says of an exception that <see cref="Is"/> true for.</summary>
    public static string Reason(Exception e) =>
        (e.InnerException ?? e).HResult is > 0 and <= MaxErrno and int errno ? Marshal.GetPInvokeErrorMessage(errno)
        : e is FileNotFoundException or DirectoryNotFoundException ? "there is no such file or folder"
        : e is PathTooLongException ? "the name is too long"
        : e is ArgumentOutOfRangeException ? "the file is too large" : e.Message;
}
