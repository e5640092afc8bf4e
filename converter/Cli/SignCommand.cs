using System.CommandLine;
using System.Text;
using EdgeLite.Converter.Writer;
using EdgeLite.Core;
using Spectre.Console;
using Status = EdgeLite.Core.Status;

namespace EdgeLite.Converter.Cli;

/// <summary><c>edgelite keygen</c> and <c>edgelite sign</c>: models that a device can tell from others.</summary>
internal static class SignCommand
{
    public static Command CreateKeygen()
    {
        var output = new Option<FileInfo>("--output", "-o") { HelpName = "FILE", Description = "The file for the private key; NAME.pem gets a NAME.pub.pem for the public one beside it.", Required = true };
        var command = new Command("keygen", "Make an Ed25519 key pair, PEM files as openssl reads them: the private one signs models, the public one goes on the devices.") { output };
        command.SetAction(result =>
        {
            string path = result.GetValue(output)!.FullName, publicPath = Path.ChangeExtension(path, ".pub.pem");
            foreach (string file in new[] { path, publicPath })
                if (Path.Exists(file)) throw new EdgeLiteException(Status.InvalidArgument, $"'{file}' is there already, and a key is never overwritten: remove it, or name another file.");
            SigningKey key = SigningKey.Generate();
            string at = path;
            List<string> ours = []; // somebody else's may have come between
            try
            {
                // The owner alone may read it, from the first byte on.
                Write(key.ToPrivatePem(), UnixFileMode.UserRead | UnixFileMode.UserWrite);
                at = publicPath;
                Write(key.ToPublicPem(), null);
            }
            catch (Exception e) when (FileFailure.Is(e))
            {
                ours.ForEach(File.Delete);
                throw FileFailure.Writing(at, e);
            }
            void Write(string text, UnixFileMode? mode)
            {
                var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
                if (!OperatingSystem.IsWindows()) options.UnixCreateMode = mode;
                using var file = new FileStream(at, options);
                ours.Add(at);
                file.Write(Encoding.ASCII.GetBytes(text));
            }
            AnsiConsole.MarkupLineInterpolated($"{path} (keep it secret), {publicPath}: key {key.Public}");
            return 0;
        });
        return command;
    }

    public static Command CreateSign()
    {
        var model = new Argument<FileInfo>("model") { Description = "The .edgl file." };
        var key = new Option<FileInfo>("--key") { HelpName = "FILE.pem", Description = "The private key: PEM, as edgelite keygen or openssl genpkey -algorithm ed25519 makes it.", Required = true };
        var output = new Option<FileInfo?>("--output", "-o") { HelpName = "FILE", Description = "The signed file; without it, the model is replaced." };
        var command = new Command("sign", "Sign an .edgl file, all of it, so that a device can refuse others.") { model, key, output };
        command.SetAction(result =>
        {
            string source = result.GetValue(model)!.FullName, path = result.GetValue(output)?.FullName ?? source;
            if (!File.Exists(source)) throw new EdgeLiteException(Status.FileNotFound, $"There is no file '{source}'.");
            SigningKey signer = SigningKey.Read(result.GetValue(key)!.FullName);
            // Nothing damaged gets a signature.
            using (Model unsigned = Model.Load(source))
                if (unsigned.ContentHash != null) Model.Load(source, new LoadOptions { CheckHash = true }).Dispose();
            using var signed = new WholeFile(path);
            try
            {
                File.Copy(source, signed.PartialPath, overwrite: true);
                SealWriter.Seal(signed.PartialPath, signer);
            }
            catch (Exception e) when (FileFailure.Is(e))
            {
                throw FileFailure.Writing(path, e);
            }
            Model.Load(signed.PartialPath, new LoadOptions { Key = signer.Public }).Dispose();
            signed.Commit();
            AnsiConsole.MarkupLineInterpolated($"{path}: signed by key {signer.Public}");
            return 0;
        });
        return command;
    }
}
