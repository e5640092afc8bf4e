using System.Diagnostics;

namespace EdgeLite.Tests.Targets;

/// <summary>Runs a program to its end.</summary>
internal static class ChildProcess
{
    public sealed record Outcome(int ExitCode, string Output, string Errors);

    public static Outcome Run(string program, string[] arguments, string? folder = null, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? SharedData.Root,
        };
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(TimeSpan.FromMinutes(4)))
        {
            process.Kill(entireProcessTree: true);
            return new Outcome(-1, "", $"{program} did not end within four minutes");
        }
        Task.WaitAll(output, errors);
        return new Outcome(process.ExitCode, output.Result, errors.Result);
    }

    /// <summary>As <see cref="Run"/>; a program that fails fails the test, with what it said.</summary>
    public static string Succeed(string program, params string[] arguments)
    {
        Outcome outcome = Run(program, arguments);
        Assert.True(outcome.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: exit status {outcome.ExitCode}\n{outcome.Output}\n{outcome.Errors}");
        return outcome.Output;
    }
}
