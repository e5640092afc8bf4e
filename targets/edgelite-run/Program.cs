using EdgeLite.Core;
using EdgeLite.Run;

try
{
    return Commands.Dispatch(args);
}
catch (EdgeLiteException e)
{
    Console.Error.WriteLine($"edgelite-run: {e.Message}");
    return 1;
}
catch (Exception e) when (e is IOException or UnauthorizedAccessException)
{
    Console.Error.WriteLine($"edgelite-run: {e.Message}");
    return 1;
}
