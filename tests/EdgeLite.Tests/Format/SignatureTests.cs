using System.Security.Cryptography;
using EdgeLite.Converter;
using EdgeLite.Converter.Ir;
using EdgeLite.Converter.Writer;
using EdgeLite.Format;
using EdgeLite.Tests.Targets;

namespace EdgeLite.Tests.Format;

/// <summary>Hash and signature of a file. The arithmetic itself is tested in kernels-native/tests/test_signature.c.</summary>
public sealed class SignatureTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edgelite-signature-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string file) => Path.Combine(_folder, file);

    /// <summary>y = tanh(x) + w, with a self-test and data that is not packed.</summary>
    private string Written()
    {
        var graph = new Graph("small");
        Value x = graph.AddInput("x", new TensorType(DType.Float32, new Shape(2, 3)));
        Value w = graph.AddConstant("w", Tensor.FromArray<float>([1, 2, 3], new Shape(3)));
        graph.AddOutput(graph.Add("Add", "y", [graph.Add("Tanh", "t", [x]), w]));
        ShapeInference.Run(graph);
        File.WriteAllBytes(In("m.edgl"), ModelWriter.ToBytes(graph, pack: false));
        SealWriter.Seal(In("m.edgl"), SelfTestSamples.MakeOfNoise(In("m.edgl"), graph, 1));
        return In("m.edgl");
    }

    private static Status StatusOf(byte[] file, LoadOptions options) => Assert.Throws<EdgeLiteException>(() => Model.Load(file, options: options)).Status;

    [Fact]
    public void The_hash_is_that_of_everything_before_the_seal()
    {
        byte[] file = File.ReadAllBytes(Written());
        using (Model model = Model.Load(file, options: new LoadOptions { CheckHash = true }))
        {
            Assert.Equal(Convert.ToHexStringLower(SHA512.HashData(file.AsSpan(..^FileSeal.Size))), model.ContentHash);
            Assert.Null(model.Signer);
        }
        FileHeader header = FileHeader.Read(file, file.Length, "m");
        file[header.DataOffset] ^= 1;
        Model.Load(file).Dispose(); // a plain load does not look at constants
        Assert.Equal(Status.Corrupt, StatusOf(file, new LoadOptions { CheckHash = true }));
    }

    [Fact]
    public void A_file_without_a_hash_is_not_taken_for_one_with()
    {
        var graph = new Graph("small");
        graph.AddOutput(graph.Add("Tanh", "y", [graph.AddInput("x", new TensorType(DType.Float32, new Shape(2)))]));
        ShapeInference.Run(graph);
        byte[] file = ModelWriter.ToBytes(graph);
        using (Model model = Model.Load(file)) Assert.Null(model.ContentHash);
        Assert.Equal(Status.NotFound, StatusOf(file, new LoadOptions { CheckHash = true }));
        Assert.Equal(Status.BadSignature, StatusOf(file, new LoadOptions { Key = SigningKey.Generate().Public }));
    }

    [Fact]
    public void A_signed_file_is_taken_with_the_right_key_and_no_byte_of_it_may_change()
    {
        string path = Written();
        SigningKey key = SigningKey.Generate(), other = SigningKey.Generate();
        var options = new LoadOptions { Key = key.Public };
        Assert.Equal(Status.BadSignature, StatusOf(File.ReadAllBytes(path), options)); // a hash alone is no signature
        SealWriter.Seal(path, key);
        byte[] file = File.ReadAllBytes(path);
        using (Model model = Model.Load(path, options))
        {
            Assert.Equal(key.Public.ToString(), model.Signer?.ToString());
            Assert.All(model.SelfTest(), r => Assert.True(r.Passed));
        }
        EdgeLiteException wrong = Assert.Throws<EdgeLiteException>(() => Model.Load(path, new LoadOptions { Key = other.Public }));
        Assert.Equal(Status.BadSignature, wrong.Status);
        Assert.Contains(other.Public.ToString(), wrong.Message);
        for (int i = 0; i < file.Length; i++)
        {
            file[i] ^= 0x10;
            Status status = StatusOf(file, options);
            Assert.True(status == Status.BadSignature || i < FileHeader.Size, $"byte {i}: {status}"); // a broken header is refused before
            file[i] ^= 0x10;
        }
        Assert.Equal(Status.Corrupt, StatusOf([.. file, .. file[^FileSeal.Size..]], options)); // the header states the length
        // The claim of another, with a hash that is right.
        SealWriter.Seal(path, other);
        file = File.ReadAllBytes(path);
        key.Public.Bytes.CopyTo(file.AsSpan(file.Length - FileSeal.Size + 96));
        Assert.Equal(Status.BadSignature, StatusOf(file, options));
        // Sealed anew without a key, it is unsigned.
        SealWriter.Seal(path);
        Assert.Equal(Status.BadSignature, StatusOf(File.ReadAllBytes(path), options));
    }

    [Fact]
    public void Many_keys_and_contents()
    {
        string path = Written();
        for (int i = 0; i < 100; i++)
        {
            SigningKey key = SigningKey.Generate();
            SealWriter.Seal(path, key);
            Model.Load(path, new LoadOptions { Key = key.Public }).Dispose();
        }
    }

    [ProgramFact("openssl", "/proc/self/exe")]
    public void OpenSSL_reads_our_keys_and_signatures_and_makes_ones_that_we_take()
    {
        string path = Written(), ours = In("ours.pem"), theirs = In("theirs.pem");
        Assert.Equal(0, ChildProcess.Run("dotnet", [Path.Combine(AppContext.BaseDirectory, "edgelite.dll"), "keygen", "-o", ours]).ExitCode);
        if (!OperatingSystem.IsWindows()) Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(ours));
        Assert.NotEqual(0, ChildProcess.Run("dotnet", [Path.Combine(AppContext.BaseDirectory, "edgelite.dll"), "keygen", "-o", ours]).ExitCode); // never overwritten
        ChildProcess.Succeed("openssl", "genpkey", "-algorithm", "ed25519", "-out", theirs);
        ChildProcess.Succeed("openssl", "pkey", "-in", theirs, "-pubout", "-out", In("theirs.pub.pem"));
        Assert.Equal(File.ReadAllText(In("ours.pub.pem")), ChildProcess.Succeed("openssl", "pkey", "-in", ours, "-pubout"));
        foreach (string name in new[] { "ours", "theirs" })
        {
            SigningKey key = SigningKey.Read(In(name + ".pem"));
            Assert.Equal(File.ReadAllText(In(name + ".pub.pem")), key.ToPublicPem());
            var options = new LoadOptions { Key = PublicKey.FromPem(File.ReadAllText(In(name + ".pub.pem"))) };
            SealWriter.Seal(path, key);
            Model.Load(path, options).Dispose();

            byte[] file = File.ReadAllBytes(path);
            Assert.True(FileSeal.TryFind(file, out FileSeal seal));
            File.WriteAllBytes(In("statement"), seal.Statement);
            File.WriteAllBytes(In("signature"), seal.Signature);
            ChildProcess.Succeed("openssl", "pkeyutl", "-verify", "-pubin", "-inkey", In(name + ".pub.pem"), "-rawin", "-in", In("statement"), "-sigfile", In("signature"));
            ChildProcess.Succeed("openssl", "pkeyutl", "-sign", "-inkey", In(name + ".pem"), "-rawin", "-in", In("statement"), "-out", In("signature"));
            File.ReadAllBytes(In("signature")).CopyTo(file.AsSpan(file.Length - 64));
            Model.Load(file, options: options).Dispose();
        }
    }

    [Fact]
    public void A_wrong_key_file_is_one_clear_error()
    {
        SigningKey key = SigningKey.Generate();
        Assert.Equal(key.Public.ToString(), PublicKey.FromPem("remarks before\r\n" + key.ToPublicPem().Replace("\n", "\r\n")).ToString());
        foreach (string text in new[] { "", "-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY----------BEGIN PUBLIC KEY-----", key.ToPrivatePem(), key.ToPublicPem().Replace("MCow", "MCox"), key.ToPublicPem().Replace("=", "") })
            Assert.Equal(Status.InvalidArgument, Assert.Throws<EdgeLiteException>(() => PublicKey.FromPem(text, "'k'")).Status);
        Assert.Contains("private", Assert.Throws<EdgeLiteException>(() => PublicKey.FromPem(key.ToPrivatePem())).Message);
        using RSA rsa = RSA.Create(2048);
        foreach (string text in new[] { "", key.ToPublicPem(), key.ToPrivatePem()[..60], key.ToPrivatePem().Replace("MC4C", "MC4D"), rsa.ExportPkcs8PrivateKeyPem(), rsa.ExportEncryptedPkcs8PrivateKeyPem("x", new PbeParameters(PbeEncryptionAlgorithm.Aes128Cbc, HashAlgorithmName.SHA256, 1)) })
        {
            File.WriteAllText(In("k.pem"), text);
            Assert.Equal(Status.InvalidArgument, Assert.Throws<EdgeLiteException>(() => SigningKey.Read(In("k.pem"))).Status);
        }
    }
}
