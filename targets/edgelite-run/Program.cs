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
catch (Exception e) when (FileFailure.Is(e))
{
    Console.Error.WriteLine($"edgelite-run: standard output cannot be written: {FileFailure.Reason(e)}.");
    return 1;
}
catch (Exception e)
{
    Console.Error.WriteLine($"edgelite-run: internal error, please report it with the model: {e.Message}");
    return 1;
}
