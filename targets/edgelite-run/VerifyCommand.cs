namespace EdgeLite.Run;

/// <summary><c>edgelite-run verify</c>: whether a model is what was converted, by its hash, and by whom, by its signature.</summary>
internal static class VerifyCommand
{
    public static void Execute(Arguments arguments)
    {
        string path = arguments.Next("the model file");
        LoadOptions options = Commands.ReadLoadOptions(arguments) ?? new LoadOptions { CheckHash = true };
        arguments.Finish();
        using Model model = Model.Load(path, options);
        Output.WriteLine($"{path}: the content is that of SHA-512 {model.ContentHash}");
        if (options.Key != null) Output.WriteLine($"{path}: signed by key {options.Key}");
        else if (model.Signer is { } signer) Output.WriteLine($"{path}: states a signature by key {signer}, which --key would check");
    }
}
