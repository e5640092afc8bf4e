using System.Text.Json;

namespace EdgeLite.Tests.Targets;

/// <summary><c>edgelite-run selftest</c>, <c>verify</c> and <c>--key</c>, as built.</summary>
public sealed class TrustCommandTests(CApiModels models) : IClassFixture<CApiModels>
{
    private const string Program = "edgelite-run";

    private static ChildProcess.Outcome Run(params string[] arguments) => ChildProcess.Run(Artifacts.PathOf(Artifacts.Host, Program), arguments);

    [ArtifactFact(Program)]
    public void A_self_test_says_of_each_output_what_it_found()
    {
        ChildProcess.Outcome passed = Run("selftest", models.PathOf("tested"));
        Assert.Equal(0, passed.ExitCode);
        Assert.Equal(6, passed.Output.Split('\n').Count(l => l.StartsWith("passed", StringComparison.Ordinal) && l.EndsWith("exact", StringComparison.Ordinal)));

        ChildProcess.Outcome failed = Run("selftest", models.PathOf("failing"), "--json", "--threads", "1");
        Assert.Equal(1, failed.ExitCode);
        Assert.Contains("1 of 6 outputs", Assert.Single(failed.Errors.TrimEnd().Split('\n')));
        using JsonDocument json = JsonDocument.Parse(failed.Output);
        Assert.False(json.RootElement.GetProperty("passed").GetBoolean());
        JsonElement first = json.RootElement.GetProperty("outputs")[0];
        Assert.Equal(0.5, first.GetProperty("max_difference").GetDouble(), 5);
        Assert.InRange(first.GetProperty("sqnr_db").GetDouble(), 0, 40);
        Assert.Equal(0, Run("selftest", models.PathOf("failing"), "--min-sqnr", "1").ExitCode);
        Assert.Contains("--self-test", Run("selftest", models.PathOf("sums")).Errors);
    }

    [ArtifactFact(Program)]
    public void A_key_lets_in_what_it_signed_and_nothing_else()
    {
        string key = models.PublicKeyPath;
        ChildProcess.Outcome verified = Run("verify", models.PathOf("signed"), "--key", key);
        Assert.True(verified.ExitCode == 0, verified.Errors);
        Assert.Contains("signed by key", verified.Output);
        Assert.Contains("which --key would check", Run("verify", models.PathOf("signed")).Output);
        Assert.Equal(0, Run("verify", models.PathOf("tested")).ExitCode);
        Assert.Contains("states no hash", Run("verify", models.PathOf("sums")).Errors);
        Assert.Equal(0, Run("bench", models.PathOf("signed"), "--runs", "1", "--key", key).ExitCode);
        foreach (string command in new[] { "verify", "bench", "profile", "selftest", "tune" })
        {
            ChildProcess.Outcome refused = Run(command, models.PathOf("tested"), "--key", key);
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains("not signed", Assert.Single(refused.Errors.TrimEnd().Split('\n')));
        }
        Assert.Contains("no Ed25519 public key", Run("verify", models.PathOf("signed"), "--key", models.PathOf("signed")).Errors);
    }
}
