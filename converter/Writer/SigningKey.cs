using System.Security.Cryptography;
using EdgeLite.Core;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Security;

namespace EdgeLite.Converter.Writer;

/// <summary>An Ed25519 key pair (RFC 8032) in the form that openssl reads and writes: PEM of PKCS#8 and SubjectPublicKeyInfo (RFC 8410).</summary>
public sealed class SigningKey
{
    private readonly Ed25519PrivateKeyParameters _key;

    private SigningKey(Ed25519PrivateKeyParameters key)
    {
        _key = key;
        Public = new PublicKey(key.GeneratePublicKey().GetEncoded());
    }

    public PublicKey Public { get; }

    public static SigningKey Generate() => new(new Ed25519PrivateKeyParameters(RandomNumberGenerator.GetBytes(Ed25519PrivateKeyParameters.KeySize)));

    /// <summary>Reads a private key, as <c>edgelite keygen</c> and <c>openssl genpkey -algorithm ed25519</c> write it; without a passphrase.</summary>
    public static SigningKey Read(string path)
    {
        string text;
        try
        {
            text = File.ReadAllText(path);
        }
        catch (Exception e) when (FileFailure.Is(e))
        {
            throw FileFailure.Reading(path, e);
        }
        if (!PemEncoding.TryFind(text, out PemFields fields)) throw Wrong("it is no PEM file");
        string label = text[fields.Label];
        if (label != "PRIVATE KEY")
            throw Wrong(label == "ENCRYPTED PRIVATE KEY" ? "it is encrypted: decrypt it first with 'openssl pkey'" : $"it holds a {label}, a PRIVATE KEY is expected");
        try
        {
            return PrivateKeyFactory.CreateKey(Convert.FromBase64String(text[fields.Base64Data])) is Ed25519PrivateKeyParameters key ? new SigningKey(key)
                : throw Wrong("it is for another algorithm");
        }
        catch (Exception e) when (e is ArgumentException or IOException or FormatException or InvalidCastException or SecurityUtilityException)
        {
            throw Wrong($"it is damaged: {e.Message}");
        }

        EdgeLiteException Wrong(string what) =>
            new(Status.InvalidArgument, $"'{path}' is no Ed25519 private key: {what}. Make one with 'edgelite keygen' or 'openssl genpkey -algorithm ed25519'.");
    }

    public string ToPrivatePem() => Pem("PRIVATE KEY", [0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20, .. _key.GetEncoded()]);

    public string ToPublicPem() => Pem("PUBLIC KEY", [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00, .. Public.Bytes]);

    /// <summary>The 64 bytes of the signature.</summary>
    public byte[] Sign(ReadOnlySpan<byte> message)
    {
        byte[] signature = new byte[Ed25519PrivateKeyParameters.SignatureSize];
        _key.Sign(Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.Algorithm.Ed25519, null, message.ToArray(), 0, message.Length, signature, 0);
        return signature;
    }

    private static string Pem(string label, byte[] der) => PemEncoding.WriteString(label, der) + "\n";
}
