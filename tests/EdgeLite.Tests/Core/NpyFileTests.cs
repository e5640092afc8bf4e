using System.IO.Compression;
using System.Text;
using EdgeLite.Converter.Importers;

namespace EdgeLite.Tests.Core;

public class NpyFileTests
{
    /// <summary>A file as NumPy lays it out, made by hand.</summary>
    private static byte[] Npy(int version, string header, params byte[] data)
    {
        byte[] text = Encoding.UTF8.GetBytes(header);
        byte[] length = version == 1 ? [(byte)text.Length, (byte)(text.Length >> 8)] : [(byte)text.Length, (byte)(text.Length >> 8), 0, 0];
        return [0x93, .. "NUMPY"u8, (byte)version, 0, .. length, .. text, .. data];
    }

    private static Tensor Read(byte[] file) => NpyFile.Read(new MemoryStream(file), "test.npy");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Reads_every_version(int version)
    {
        Tensor t = Read(Npy(version, "{'descr': '<i2', 'fortran_order': False, 'shape': (2, 1), }\n", 1, 0, 0xfe, 0xff));
        Assert.Equal(DType.Int16, t.DType);
        Assert.Equal(new Shape(2, 1), t.Shape);
        Assert.Equal([1L, -2L], t.ToInt64Array());
    }

    [Fact]
    public void Reads_big_endian_and_fortran_order()
    {
        Tensor t = Read(Npy(1, "{'descr': '>u2', 'fortran_order': True, 'shape': (2, 3), }\n", 0, 1, 0, 4, 0, 2, 0, 5, 0, 3, 0, 6));
        Assert.Equal([1L, 2, 3, 4, 5, 6], t.ToInt64Array());
    }

    [Fact]
    public void Reads_scalars_and_unicode()
    {
        Assert.Equal(Shape.Scalar, Read(Npy(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (), }\n", 1)).Shape);
        Tensor s = Read(Npy(1, "{'descr': '<U2', 'fortran_order': False, 'shape': (1,), }\n", (byte)'a', 0, 0, 0, 0xe9, 0, 0, 0));
        Assert.Equal("aé", s.Strings![0]);
    }

    [Theory]
    [InlineData(DType.Bool)]
    [InlineData(DType.Int8)]
    [InlineData(DType.UInt8)]
    [InlineData(DType.Int16)]
    [InlineData(DType.UInt16)]
    [InlineData(DType.Int32)]
    [InlineData(DType.UInt32)]
    [InlineData(DType.Int64)]
    [InlineData(DType.UInt64)]
    [InlineData(DType.Float16)]
    [InlineData(DType.Float32)]
    [InlineData(DType.Float64)]
    public void Round_trips(DType type)
    {
        var t = new Tensor(type, new Shape(3, 2));
        for (int i = 0; i < 6; i++) t.SetDouble(i, i % 2);
        var stream = new MemoryStream();
        NpyFile.Write(stream, t);
        Assert.Equal(0, (stream.Length - t.ByteLength) % 64);
        Tensor back = Read(stream.ToArray());
        Assert.Equal(type, back.DType);
        Assert.Equal(t.Shape, back.Shape);
        Assert.True(t.Bytes.SequenceEqual(back.Bytes));
    }

    [Fact]
    public void Types_that_numpy_lacks_are_written_as_numbers()
    {
        var t = new Tensor(DType.BFloat16, new Shape(2));
        t.SetDouble(1, -1.5);
        var stream = new MemoryStream();
        NpyFile.Write(stream, t);
        Tensor back = Read(stream.ToArray());
        Assert.Equal(DType.Float32, back.DType);
        Assert.Equal(-1.5, back.GetDouble(1));
    }

    [Fact]
    public void Header_is_what_numpy_writes_for_one_dimension()
    {
        var stream = new MemoryStream();
        NpyFile.Write(stream, Tensor.FromArray<float>([1, 2], new Shape(2)));
        Assert.StartsWith("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", Encoding.ASCII.GetString(stream.ToArray(), 10, 64));
    }

    [Fact]
    public void Damaged_files_give_one_kind_of_exception()
    {
        byte[] good = Npy(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 2), }\n", new byte[16]);
        for (int length = 0; length < good.Length; length++) Assert.Throws<EdgeLiteException>(() => Read(good[..length]));
        var random = new Random(1);
        for (int round = 0; round < 2000; round++)
        {
            byte[] bad = (byte[])good.Clone();
            bad[random.Next(bad.Length)] = (byte)random.Next(256);
            try
            {
                Read(bad);
            }
            catch (EdgeLiteException)
            {
            }
        }
    }

    [Fact]
    public void Claimed_size_is_checked_before_memory_is_taken()
    {
        var e = Assert.Throws<EdgeLiteException>(() => Read(Npy(1, "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000, 1000000), }\n")));
        Assert.Equal(Status.Truncated, e.Status);
    }

    [Fact]
    public void Reads_archives()
    {
        string path = Path.GetTempFileName();
        try
        {
            using (var zip = new ZipArchive(File.Create(path), ZipArchiveMode.Create))
            {
                using Stream entry = zip.CreateEntry("w/kernel.npy").Open();
                NpyFile.Write(entry, Tensor.FromArray<int>([7], new Shape(1)));
            }
            var (name, tensor) = Assert.Single(NpzFile.Read(path));
            Assert.Equal("w/kernel", name);
            Assert.Equal(7, tensor.GetInt64(0));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
