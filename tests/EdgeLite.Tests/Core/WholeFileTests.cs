namespace EdgeLite.Tests.Core;

[Collection(nameof(UnfinishedFiles))]
public sealed class WholeFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edgelite-whole-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string file) => Path.Combine(_folder, file);

    [Fact]
    public void It_is_there_once_it_is_committed()
    {
        using (var file = new WholeFile(In("a")))
        {
            File.WriteAllText(file.PartialPath, "text");
            Assert.False(File.Exists(In("a")));
            file.Commit();
        }
        Assert.Equal("text", File.ReadAllText(In("a")));
        using (var file = new WholeFile(In("a"))) File.WriteAllText(file.PartialPath, "other");
        Assert.Equal([In("a")], Directory.GetFiles(_folder));
        Assert.Equal("text", File.ReadAllText(In("a")));
    }

    [Fact]
    public void A_writer_that_fails_leaves_nothing()
    {
        Assert.Throws<InvalidOperationException>(() => WholeFile.Write(In("a"), stream => throw new InvalidOperationException()));
        EdgeLiteException error = Assert.Throws<EdgeLiteException>(() => WholeFile.Write(In("a"), stream => throw new IOException("the disk is full")));
        Assert.Equal(Status.IoError, error.Status);
        Assert.Contains($"'{In("a")}' cannot be written: the disk is full", error.Message);
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void A_link_stays_and_what_it_leads_to_is_replaced()
    {
        string other = Directory.CreateDirectory(In("other")).FullName, model = Path.Combine(other, "model");
        File.WriteAllText(model, "old");
        File.CreateSymbolicLink(In("first"), "other/model");
        File.CreateSymbolicLink(In("second"), In("first"));
        WholeFile.Write(In("second"), stream => stream.Write("new"u8));
        Assert.Equal("new", File.ReadAllText(model));
        Assert.Equal([model], Directory.GetFiles(other));
        Assert.Equal((In("first"), "other/model"), (new FileInfo(In("second")).LinkTarget, new FileInfo(In("first")).LinkTarget));
        File.CreateSymbolicLink(In("device"), "/dev/null");
        Assert.Contains("is a device", Assert.Throws<EdgeLiteException>(() => new WholeFile(In("device"))).Message);
    }

    [Fact]
    public void A_place_that_is_taken_meanwhile_is_named()
    {
        using var file = new WholeFile(In("a"));
        Directory.CreateDirectory(In("a"));
        Assert.Contains($"'{In("a")}' cannot be written: it is a folder", Assert.Throws<EdgeLiteException>(file.Commit).Message);
    }

    [Fact]
    public void Unfinished_files_go_when_the_process_does()
    {
        using var file = new WholeFile(In("a"));
        Assert.Single(Directory.GetFiles(_folder));
        TemporaryFile.DeleteAll();
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public void Failures_name_the_file_that_was_asked_for()
    {
        using var file = new WholeFile(In("a"));
        Assert.Contains($"'{In("a")}' cannot be written", FileFailure.Writing(file.PartialPath, new IOException()).Message);
    }

    [Theory]
    [InlineData("/dev/null", "is a device")]
    [InlineData("/dev/../dev/full", "is a device")]
    [InlineData("/", "is a folder")]
    [InlineData("/nowhere/at/all", "its folder does not exist")]
    public void What_cannot_be_a_file_is_refused_at_once(string path, string why) =>
        Assert.Contains(why, Assert.Throws<EdgeLiteException>(() => new WholeFile(path)).Message);
}

/// <summary>Tests that delete all unfinished files of the process, which may be those of other tests.</summary>
[CollectionDefinition(nameof(UnfinishedFiles), DisableParallelization = true)]
public sealed class UnfinishedFiles;
