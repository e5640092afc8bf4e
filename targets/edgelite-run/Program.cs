using EdgeLite.Core;
using EdgeLite.Run;

try
{
    return Commands.Dispatch(args);
}
catch (EdgeLiteException e)
{
    Output.Error(e.Message);
    return 1;
}
catch (OutOfMemoryException)
{
    Output.Error("there is not enough memory for it (limits count as well: ulimit -v, those of a container).");
    return 1;
}
catch (Exception e)
{
    Output.Error($"internal error, please report it with the model: {e.Message}");
    return 1;
}
