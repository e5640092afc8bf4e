namespace EdgeLite.Tests.Importers;

/// <summary>A folder for the files of one foreign model.</summary>
internal static class TemporaryFolder
{
    /// <summary>Hands the path of a new, empty folder to <paramref name="use"/>; afterwards the folder is gone.</summary>
    public static T Use<T>(Func<string, T> use)
    {
        string folder = Directory.CreateTempSubdirectory("edgelite-").FullName;
        try
        {
            return use(folder);
        }
        finally
        {
            Directory.Delete(folder, true);
        }
    }

    /// <inheritdoc cref="Use{T}"/>
    public static void Use(Action<string> use) => Use(folder =>
    {
        use(folder);
        return true;
    });
}
