using EdgeLite.Format;
using Google.FlatBuffers;

namespace EdgeLite.Tests.Format;

/// <summary>The reader against files that Google's library wrote, whole and damaged.</summary>
public class FlatReaderTests
{
    /// <summary>Root { 0: int = 7; 1: string; 2: [long]; 3: [Child]; 4: double; 5: [string]; 6: ubyte }, Child { 0: short }.</summary>
    private static byte[] Write()
    {
        var b = new FlatBufferBuilder(64);
        int[] children = [.. Enumerable.Range(0, 3).Select(i =>
        {
            b.StartTable(1);
            b.AddShort(0, (short)(i - 1), 0);
            return b.EndTable();
        })];
        VectorOffset tables = b.CreateVectorOfTables<Child>([.. children.Select(c => new Offset<Child>(c))]);
        StringOffset name = b.CreateString("héllo");
        b.StartVector(8, 2, 8);
        b.AddLong(-5);
        b.AddLong(long.MaxValue);
        VectorOffset longs = b.EndVector();
        StringOffset[] texts = [b.CreateString("a"), b.CreateString("")];
        b.StartVector(4, 2, 4);
        b.AddOffset(texts[1].Value);
        b.AddOffset(texts[0].Value);
        VectorOffset strings = b.EndVector();
        b.StartTable(7);
        b.AddInt(0, 42, 7);
        b.AddOffset(1, name.Value, 0);
        b.AddOffset(2, longs.Value, 0);
        b.AddOffset(3, tables.Value, 0);
        b.AddDouble(4, 0.25, 0);
        b.AddOffset(5, strings.Value, 0);
        b.AddByte(6, 200, 0);
        b.Finish(b.EndTable(), "TEST");
        return b.SizedByteArray();
    }

    private struct Child;

    private static string Read(ReadOnlySpan<byte> data)
    {
        FlatTable root = FlatTable.Root(data, "TEST"u8);
        FlatVector tables = root.Vector(3), strings = root.Vector(5);
        string text = $"{root.Int32(0, 7)} {root.String(1)} {string.Join(',', root.Scalars<long>(2).ToArray())} {root.Float64(4)} {root.UInt8(6)}";
        for (int i = 0; i < tables.Count; i++) text += $" {tables.Table(i).Int16(0)}";
        for (int i = 0; i < strings.Count; i++) text += $" '{strings.String(i)}'";
        return text;
    }

    [Fact]
    public void Reads_what_Googles_library_wrote() =>
        Assert.Equal("42 héllo 9223372036854775807,-5 0.25 200 -1 0 1 'a' ''", Read(Write()));

    [Fact]
    public void Absent_fields_have_defaults_and_foreign_files_are_refused()
    {
        byte[] file = Write();
        FlatTable root = FlatTable.Root(file);
        Assert.Equal(9, root.Int32(17, 9));
        Assert.Null(root.String(18));
        Assert.False(root.TryTable(19, out _));
        Assert.Equal(0, root.Vector(20).Count);
        Assert.Equal(Status.NotAModel, Assert.Throws<EdgeLiteException>(() => FlatTable.Root(file, "TFL3"u8)).Status);
        Assert.Equal(Status.Corrupt, Assert.Throws<EdgeLiteException>(() => FlatTable.Root(file).Vector(3).Table(3)).Status);
    }

    [Fact]
    public void A_damaged_file_gives_an_answer_or_an_EdgeLiteException()
    {
        byte[] file = Write();
        int refused = 0;
        for (int length = 0; length < file.Length; length++) refused += Try(file[..length]);
        for (int at = 0; at < file.Length; at++)
            foreach (byte value in new byte[] { 0, 1, 0x7f, 0x80, 0xff })
            {
                byte[] bad = [.. file];
                bad[at] = value;
                refused += Try(bad);
            }
        Assert.InRange(refused, file.Length, int.MaxValue);

        static int Try(byte[] data)
        {
            try
            {
                Read(data);
                return 0;
            }
            catch (EdgeLiteException e)
            {
                Assert.True(e.Status is Status.Corrupt or Status.Truncated or Status.NotAModel, e.Message);
                return 1;
            }
        }
    }
}
