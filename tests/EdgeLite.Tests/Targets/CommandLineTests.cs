using System.Diagnostics;
using System.Text.Json;
using EdgeLite.Converter.Importers.Onnx.Proto;
using EdgeLite.Tests.Sessions;
using Google.Protobuf;
using static EdgeLite.Tests.Importers.OnnxModels;

namespace EdgeLite.Tests.Targets;

/// <summary>The <c>edgelite</c> command as people call it: a process, its exit status, its standard error, the files it leaves.</summary>
public sealed class CommandLineTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("edgelite-cli-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string In(string file) => Path.Combine(_folder, file);

    private static ChildProcess.Outcome Run(params string[] arguments) =>
        ChildProcess.Run("dotnet", [Path.Combine(AppContext.BaseDirectory, "edgelite.dll"), .. arguments]);

    /// <summary>Runs a conversion that must fail in one clear sentence and leave no file behind, not even a partial one.</summary>
    private string Refused(params string[] arguments)
    {
        string[] before = Directory.GetFiles(_folder);
        ChildProcess.Outcome outcome = Run(["convert", .. arguments, "-o", In("out.edgl"), "--json"]);
        Assert.True(outcome.ExitCode == 1, $"exit status {outcome.ExitCode}\n{outcome.Errors}");
        Assert.Equal("", outcome.Output);
        Assert.StartsWith("edgelite: ", outcome.Errors);
        Assert.DoesNotContain("internal error", outcome.Errors);
        Assert.DoesNotContain("   at ", outcome.Errors);
        Assert.Equal(before, Directory.GetFiles(_folder));
        return outcome.Errors;
    }

    private string Save(string name, ModelProto model)
    {
        File.WriteAllBytes(In(name), model.ToByteArray());
        return In(name);
    }

    /// <summary>y = relu(x), 2 x 3.</summary>
    private string Relu() => Save("relu.onnx", Model(17, Node("Relu", "x", "y")).In("x", DType.Float32, 2, 3).Out("y"));

    [Fact]
    public void A_target_is_one_that_exists_and_holds_the_model()
    {
        Assert.Contains("raspberry-pi-4", Assert.Throws<EdgeLiteException>(() => EdgeLite.Converter.TargetProfile.Find("raspberry-pi-9")).Message);
        foreach (EdgeLite.Converter.TargetProfile profile in EdgeLite.Converter.TargetProfile.All)
        {
            Assert.True(profile is { Cores: > 0, MemoryMB: > 0, InstructionSets.Length: > 0 } && profile.Rid is "linux-x64" or "linux-arm64", profile.Name);
            profile.CheckMemory((long)profile.MemoryMB << 20);
            Assert.Contains("513 MB", Assert.Throws<EdgeLiteException>(() => (profile with { MemoryMB = 512 }).CheckMemory((512L << 20) + 1)).Message);
        }
    }

    [Fact]
    public void A_model_is_converted_with_a_self_test_signed_and_inspected()
    {
        string model = In("m.edgl"), key = In("k.pem");
        Assert.Equal(0, Run("convert", Relu(), "-o", model, "--self-test", "2", "--json").ExitCode);
        Assert.Equal(0, Run("keygen", "-o", key).ExitCode);
        ChildProcess.Outcome signed = Run("sign", model, "--key", key, "-o", In("signed.edgl"));
        Assert.True(signed.ExitCode == 0, signed.Errors);
        using (Model loaded = Model.Load(In("signed.edgl"), new LoadOptions { Key = PublicKey.FromPem(File.ReadAllText(In("k.pub.pem"))) }))
            Assert.Equal(2, loaded.SelfTest().Length);
        using (JsonDocument plain = JsonDocument.Parse(Run("inspect", model, "--json").Output), said = JsonDocument.Parse(Run("inspect", In("signed.edgl"), "--json").Output))
        {
            Assert.True(said.RootElement.GetProperty("self_test").GetBoolean());
            Assert.Equal(128, said.RootElement.GetProperty("content_sha512").GetString()!.Length);
            Assert.Equal("valid", said.RootElement.GetProperty("signature").GetString());
            Assert.Equal(JsonValueKind.Null, plain.RootElement.GetProperty("signer").ValueKind);
        }
        // An altered file gets no signature, and inspect says what is wrong with the one that it has.
        byte[] bytes = File.ReadAllBytes(In("signed.edgl"));
        bytes[^300] ^= 1;
        File.WriteAllBytes(In("altered.edgl"), bytes);
        ChildProcess.Outcome refused = Run("sign", In("altered.edgl"), "--key", key);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("corrupt", refused.Errors);
        Assert.Contains("altered", Run("inspect", In("altered.edgl")).Output);
        Assert.Contains("There is no file", Run("sign", model, "--key", In("nowhere.pem")).Errors);
        Assert.Contains("--calibrate needs", Refused(Relu(), "--calibrate", "random"));
        Assert.Contains("1 to 1000 samples", Refused(Relu(), "--self-test", "0"));
    }

    [Fact]
    public void Arithmetic_in_float16_is_for_targets_that_have_it()
    {
        string model = Save("dense.onnx", Model(17, Node("MatMul", "x w", "y")).In("x", DType.Float32, 2, 3).Const(Floats("w", [3, 1], 1, 2, 70)).Out("y"));
        Assert.Contains("raspberry-pi-4", Refused(model, "--quantize", "half", "--target", "raspberry-pi-4"));
        ChildProcess.Outcome outcome = Run(["convert", model, "-o", In("out.edgl"), "--quantize", "half", "--target", "raspberry-pi-5"]);
        Assert.Equal(0, outcome.ExitCode);
        Assert.Contains("weights in float16: 1,", outcome.Errors);
    }

    /// <summary>Of a picture of free height and width, 64 x 64 does.</summary>
    [Fact]
    public void Free_sizes_get_a_proof_and_are_said()
    {
        string model = Save("free.onnx", Model(17, Node("Conv", "x w", "c"), Node("Relu", "c", "y")).In("x", DType.Float32, -1, 1, -2, -3).Const(Floats("w", [1, 1, 2, 2], 1, -2, 3, -4)).Out("y"));
        ChildProcess.Outcome outcome = Run("convert", model, "-o", In("out.edgl"));
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.Contains("free sizes, found by trial: x=1x1x64x64", outcome.Errors);
        using JsonDocument summary = JsonDocument.Parse(Run("convert", model, "-o", In("out.edgl"), "--json").Output);
        Assert.True(summary.RootElement.GetProperty("worst_output_sqnr_db").GetDouble() > 100);
        Assert.Contains("free sizes, found by trial: x=1x1x64x64", Remarks(summary));
        string refused = Refused(model, "--quantize", "int8", "--calibrate", "random");
        Assert.Contains("x is float32[n1,1,n2,n3]", refused);
        Assert.Contains("--shape x=1x1x224x224", refused);
        Assert.Contains("the model declares float32[n1,1,n2,n3]", Refused(model, "--shape", "x=1x2x3"));
    }

    /// <summary>12 numbers in rows of 4: the batch is 3.</summary>
    [Fact]
    public void A_free_batch_that_cannot_be_1_is_found_or_asked_for()
    {
        string model = Save("three.onnx", Model(17, Node("Reshape", "x s", "y")).In("x", DType.Float32, -1, 4).Const(Longs("s", [2], 2, 6)).Out("y"));
        ChildProcess.Outcome outcome = Run("convert", model, "-o", In("out.edgl"));
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.Contains("free sizes, found by trial: x=3x4", outcome.Errors);
        File.Delete(In("out.edgl"));
        string refused = Refused(model, "--quantize", "int8", "--calibrate", "random");
        Assert.Contains("does not take x=1x4", refused);
        Assert.Contains("--shape x=", refused);
    }

    [Fact]
    public void Without_a_proof_it_is_said_why()
    {
        // No size that is tried is a multiple of 77.
        string model = Save("odd.onnx", Model(17, Node("Reshape", "x s", "y")).In("x", DType.Float32, 1, -1).Const(Longs("s", [2], 77, -1)).Out("y"));
        using JsonDocument summary = JsonDocument.Parse(Run("convert", model, "-o", In("out.edgl"), "--report", In("r.html"), "--json").Output);
        Assert.Equal(JsonValueKind.Null, summary.RootElement.GetProperty("worst_output_sqnr_db").ValueKind);
        Assert.Contains("no proof, and so no report: no size of", Remarks(summary));
        Assert.False(File.Exists(In("r.html")));
    }

    private static string Remarks(JsonDocument summary) => string.Join('\n', summary.RootElement.GetProperty("remarks").EnumerateArray().Select(r => r.GetString()));

    [SharedFact("zoo")]
    public void Sizes_beyond_the_memory_are_refused()
    {
        string model = ConvertedModels.SourceOf("tflite/tflm_hello_world_fp32");
        Assert.Contains("MB", Refused(model, "--shape", "99999999999x1"));
        Assert.Contains("too large", Refused(model, "--shape", "4000000000000000000x1"));
    }

    [SharedFact("zoo")]
    public void The_model_to_convert_is_not_overwritten()
    {
        File.Copy(ConvertedModels.SourceOf("tflite/tflm_hello_world_fp32"), In("model.tflite"));
        File.CreateSymbolicLink(In("link"), In("model.tflite"));
        byte[] before = File.ReadAllBytes(In("model.tflite"));
        foreach (string name in new[] { "model.tflite", "link" })
        {
            ChildProcess.Outcome outcome = Run("convert", In("model.tflite"), "-o", In(name));
            Assert.Equal(1, outcome.ExitCode);
            Assert.Contains("would be overwritten", outcome.Errors);
        }
        Assert.Equal(before, File.ReadAllBytes(In("model.tflite")));
    }

    /// <summary>What commands a terminal, what turns the direction of writing, and what breaks a line of a table.</summary>
    [Fact]
    public void Names_of_a_file_are_printed_as_text()
    {
        const string Hostile = "y\u001b]0;title\u0007\u001b[2J\u202e\u009b31m\n9";
        string model = Save("hostile.onnx", Model(17, Node("Relu", "x", Hostile)).In("x", DType.Float32, 1, 2).Out(Hostile));
        ChildProcess.Outcome converted = Run("convert", model, "-o", In("out.edgl")), inspected = Run("inspect", In("out.edgl")), wrong = Run("convert", model, "-o", In("out.edgl"), "--shape", Hostile + "=1x2");
        Assert.Equal((0, 0, 1), (converted.ExitCode, inspected.ExitCode, wrong.ExitCode));
        Assert.Contains("y\\u001b]0;title\\u0007", converted.Output);
        foreach (string shown in new[] { converted.Output, inspected.Output }) Assert.Contains("31m\\n9", shown);
        foreach (ChildProcess.Outcome outcome in new[] { converted, inspected, wrong })
            Assert.DoesNotContain(outcome.Output + outcome.Errors, c => char.IsControl(c) && c != '\n' || c == '\u202e');
    }

    [Fact]
    public void Unknown_operators_are_all_named_with_the_nodes_that_use_them()
    {
        string errors = Refused(Save("unknown.onnx", Model(17, Node("Frobnicate", "x", "a"), Node("Relu", "a", "b"), Node("Defrag", "b", "c"), Node("Frobnicate", "c", "y"))
            .In("x", DType.Float32, 2, 3).Out("y")));
        Assert.Contains("2 operators", errors);
        Assert.Matches("Frobnicate: 2 nodes .*a_node.*y_node", errors);
        Assert.Matches("Defrag: 1 node .*c_node", errors);
        Assert.DoesNotContain("Relu", errors);
    }

    [Fact]
    public void Files_that_are_no_models_are_refused()
    {
        Assert.Contains("nowhere.onnx", Refused(In("nowhere.onnx")));
        File.WriteAllBytes(In("empty.onnx"), []);
        Assert.Contains("empty", Refused(In("empty.onnx")));
        File.WriteAllText(In("text.onnx"), "this is a text about models, not a model\n");
        Assert.Contains("text.onnx", Refused(In("text.onnx")));
    }

    [Fact]
    public void An_output_that_cannot_be_written_is_said_before_the_work()
    {
        ChildProcess.Outcome outcome = Run("convert", Relu(), "-o", In("missing/out.edgl"));
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("its folder does not exist", outcome.Errors);
        outcome = Run("convert", Relu(), "-o", _folder);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Contains("is a folder", outcome.Errors);
        Assert.Contains("is a device", Run("convert", Relu(), "-o", "/dev/null").Errors);
        Assert.Contains("k.pem' cannot be written: its folder does not exist", Run("keygen", "-o", In("missing/k.pem")).Errors);
        // Of a pair of which one file cannot be written, none stays.
        Assert.Contains(".pub.pem' cannot be written: the name is too long", Run("keygen", "-o", In(new string('k', 251) + ".pem")).Errors);
        Assert.Empty(Directory.GetFiles(_folder, "*.pem"));
        Assert.Contains("not to standard output", Run("convert", Relu(), "-o", "-").Errors);
        Assert.Contains("not from standard input", Refused("-"));
        Assert.Contains(".html or .json", Refused(Relu(), "--report", In("report.pdf")));
        Assert.Contains("its folder does not exist", Refused(Relu(), "--report", In("missing/report.html")));
    }

    [Theory]
    [InlineData("there is no command 'convrt'; did you mean convert? See edgelite --help", "convrt")]
    [InlineData("there is no option --quantise; did you mean --quantize? See edgelite convert --help", "convert", "m.onnx", "-o", "m.edgl", "--quantise", "int8")]
    [InlineData("Argument 2 is empty", "convert", "", "-o", "m.edgl")]
    [InlineData("Argument 4 is empty", "convert", "m.onnx", "-o", "")]
    [InlineData("there is no option --jsn; did you mean --json?", "inspect", "m.edgl", "--jsn")]
    [InlineData("'b.edgl' is one argument too many", "inspect", "a.edgl", "b.edgl")]
    [InlineData("'--output' is required", "convert", "m.onnx")]
    [InlineData("--quantize: Argument 'int9' not recognized. Must be one of: 'none' 'fp16'", "convert", "m.onnx", "-o", "m.edgl", "--quantize", "int9")]
    [InlineData("--samples takes a whole number, got 'two'", "convert", "m.onnx", "-o", "m.edgl", "--samples", "two")]
    [InlineData("--percentile takes a number, got 'all'", "convert", "m.onnx", "-o", "m.edgl", "--quantize", "int8", "--percentile", "all")]
    [InlineData("--group is for --quantize int8-weights, int4-weights, int4, int3-weights, int2-weights, not int8.", "convert", "m.onnx", "-o", "m.edgl", "--quantize", "int8", "--group", "64")]
    [InlineData("--keep-float is for --quantize int8, int16x8, auto, mixed, dynamic, ", "convert", "m.onnx", "-o", "m.edgl", "--quantize", "fp16", "--keep-float", "a")]
    [InlineData("--smooth is for --quantize int8, int16x8, auto, mixed, not none.", "convert", "m.onnx", "-o", "m.edgl", "--smooth")]
    [InlineData("--prefer is for --quantize auto, mixed, not int8.", "convert", "m.onnx", "-o", "m.edgl", "--quantize", "int8", "--prefer", "smallest")]
    [InlineData("--evaluate and --max-error are two budgets", "convert", "m.onnx", "-o", "m.edgl", "--quantize", "auto", "--evaluate", "true", "--max-error", "30dB")]
    [InlineData("--max-drop is for --evaluate", "convert", "m.onnx", "-o", "m.edgl", "--quantize", "auto", "--max-drop", "1%")]
    [InlineData("--percentile is for --observer percentile, not mse", "convert", "m.onnx", "-o", "m.edgl", "--quantize", "int8", "--observer", "mse", "--percentile", "99")]
    [InlineData("--max-error 'much' is not of the form 30dB", "convert", "m.onnx", "-o", "m.edgl", "--quantize", "int8", "--calibrate", "random", "--max-error", "much")]
    [InlineData("Calibration data 'nowhere' does not exist", "convert", "m.onnx", "-o", "m.edgl", "--quantize", "int8", "--calibrate", "nowhere")]
    [InlineData("--gpu takes a compute capability of 53 (Jetson Nano) or more, got 12", "inspect", "m.edgl", "--gpu", "12")]
    [InlineData("--needs prints a list for a build, not JSON", "inspect", "m.edgl", "--needs", "--json")]
    [InlineData("there is no command 'bench'; edgelite-run, the program of the device, has others", "bench", "--help")]
    [InlineData("--samples takes 1 or more, got -3", "convert", "m.onnx", "-o", "m.edgl", "--samples", "-3")]
    public void A_wrong_command_line_is_answered_in_one_line_of_standard_error(string expected, params string[] arguments)
    {
        ChildProcess.Outcome outcome = Run(arguments);
        Assert.Equal(1, outcome.ExitCode);
        Assert.Equal("", outcome.Output);
        Assert.Contains(expected, Assert.Single(outcome.Errors.TrimEnd().Split('\n')), StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Names of options and what they take, so that descriptions have more than half of a terminal of 80 columns.</summary>
    [Theory]
    [InlineData("convert")]
    [InlineData("inspect")]
    [InlineData("compare")]
    [InlineData("dump")]
    [InlineData("sign")]
    public void Help_leaves_room_for_what_it_says(string command)
    {
        string[] lines = Run(command, "--help").Output.Split('\n');
        string[] options = [.. lines[Array.IndexOf(lines, "Options:")..].Where(l => l.StartsWith("  -", StringComparison.Ordinal))];
        Assert.NotEmpty(options);
        Assert.All(options, o => Assert.InRange(o.IndexOf("  ", 2, StringComparison.Ordinal), 4, 36));
    }

    /// <summary>A narrow terminal gets a table of fewer columns, a very narrow one lines; nothing is broken in the middle.</summary>
    [ProgramFact("script", "/bin/sh")]
    public void What_a_terminal_shows_fits_its_width()
    {
        string model = Relu(), dll = Path.Combine(AppContext.BaseDirectory, "edgelite.dll");
        string Shown(int columns) =>
            ChildProcess.Run("script", ["-qec", $"stty cols {columns}; dotnet '{dll}' convert '{model}' -o '{In("out.edgl")}'", "/dev/null"], null, ("NO_COLOR", "1")).Output;
        string wide = Shown(150), narrow = Shown(80), least = Shown(40);
        Assert.Contains("│ converted range", wide);
        Assert.Contains("│ SQNR dB │   cosine │", narrow);
        Assert.DoesNotContain("converted range", narrow);
        Assert.Contains("  SQNR dB          exact", least);
        Assert.All(narrow.Split('\n').Where(l => l.Contains('│')), l => Assert.InRange(l.TrimEnd('\r').Length, 1, 80));
    }

    /// <summary>Of standard output that cannot be written, standard error says so; the other way round nobody can be told.</summary>
    [ProgramFact("sh", "/dev/full")]
    public void Output_that_cannot_be_written_is_said()
    {
        ChildProcess.Outcome Redirected(string streams, params string[] arguments) =>
            ChildProcess.Run("sh", ["-c", $"exec dotnet \"$0\" \"$@\" {streams}", Path.Combine(AppContext.BaseDirectory, "edgelite.dll"), .. arguments]);
        foreach (string[] command in new string[][] { [], ["--help"], ["importers"], ["convert", Relu(), "-o", In("out.edgl")], ["inspect", In("out.edgl")], ["inspect", In("out.edgl"), "--json"] })
        {
            ChildProcess.Outcome outcome = Redirected(">/dev/full", command);
            Assert.Equal(1, outcome.ExitCode);
            Assert.EndsWith("edgelite: standard output cannot be written: No space left on device.\n", outcome.Errors);
        }
        Assert.Contains("standard output cannot be written: Bad file descriptor", Redirected(">&-", "importers").Errors);
        foreach (string streams in new[] { "2>/dev/full", "2>&-" })
        {
            Assert.Equal(new ChildProcess.Outcome(1, "", ""), Redirected(streams, "convert", In("nowhere.onnx"), "-o", In("no.edgl")));
            Assert.Equal(0, Redirected(streams, "convert", Relu(), "-o", In("out.edgl")).ExitCode);
        }
        ChildProcess.Succeed("sh", "-c", "dotnet \"$0\" operators | head -1; dotnet \"$0\" --help | head -1", Path.Combine(AppContext.BaseDirectory, "edgelite.dll"));
    }

    [ProgramFact("kill", "/bin/sh")]
    public void A_conversion_that_is_interrupted_leaves_nothing()
    {
        string source = Relu();
        // Whoever runs the tests in the background has a shell that ignores the signal, and so would all its children.
        var start = new ProcessStartInfo("env", ["--default-signal=INT", "dotnet", Path.Combine(AppContext.BaseDirectory, "edgelite.dll"), "convert", source, "-o", In("out.edgl"),
            "--quantize", "auto", "--calibrate", "random", "--evaluate", "sleep 60; echo"]) { RedirectStandardError = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        while (!process.HasExited && Directory.GetFiles(_folder, "*.partial").Length == 0) Thread.Sleep(20);
        Assert.False(process.HasExited, "it ended before it could be interrupted");
        ChildProcess.Succeed("sh", "-c", $"kill -INT {process.Id}");
        Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
        Assert.NotEqual(0, process.ExitCode);
        Assert.Equal([source], Directory.GetFiles(_folder));
    }

    [Fact]
    public void Int8_needs_calibration_data()
    {
        Assert.Contains("--calibrate", Refused(Relu(), "--quantize", "int8"));
        var bad = new Tensor(DType.Float32, new Shape(2, 3));
        bad.Span<float>()[4] = float.NaN;
        NpyFile.Write(In("nan.npy"), bad);
        string errors = Refused(Relu(), "--quantize", "int8", "--calibrate", In("nan.npy"));
        Assert.Contains("nan.npy", errors);
        Assert.Contains("NaN", errors, StringComparison.OrdinalIgnoreCase);
        Refused(Relu(), "--quantize", "int8", "--calibrate", In("nowhere.npy"));
        Refused(Relu(), "--calibrate", "random");
    }

    /// <summary>Samples are those of the float model, whatever the inputs of the file are.</summary>
    [Theory]
    [InlineData("int8")]
    [InlineData("int16x8")]
    public void Integer_inputs_and_outputs_are_compared_with_the_numbers_that_they_stand_for(string form)
    {
        string model = Save("conv.onnx", Model(17, Node("Conv", "x w", "c"), Node("Relu", "c", "y")).In("x", DType.Float32, 1, 1, 4, 4).Const(Floats("w", [1, 1, 2, 2], 1, -2, 3, -1)).Out("y"));
        var samples = new Tensor(DType.Float32, new Shape(2, 1, 4, 4));
        for (int i = 0; i < samples.Count; i++) samples.Span<float>()[i] = i / 32f;
        NpyFile.Write(In("x.npy"), samples);
        ChildProcess.Outcome outcome = Run("convert", model, "-o", In("out.edgl"), "--quantize", form, "--int8-io", "--calibrate", In("x.npy"), "--self-test", "--json");
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        using JsonDocument summary = JsonDocument.Parse(outcome.Output);
        Assert.InRange(summary.RootElement.GetProperty("worst_output_sqnr_db").GetDouble(), 30, 150);
        using Model converted = Model.Load(In("out.edgl"));
        Assert.True(Assert.Single(converted.SelfTest()).Passed);
        using Session session = converted.CreateSession();
        Assert.NotEqual(DType.Float32, session.Input(0).DType);

        // The scales of inputs and outputs are in the file.
        var sample = new Tensor(DType.Float32, new Shape(1, 1, 4, 4));
        samples.Span<float>()[16..].CopyTo(sample.Span<float>());
        NpyFile.Write(In("sample.npy"), sample);
        using JsonDocument compared = JsonDocument.Parse(Run("compare", model, In("out.edgl"), "--in", In("sample.npy"), "--json").Output);
        Assert.InRange(compared.RootElement.GetProperty("worst_output_sqnr_db").GetDouble(), 30, 150);
    }

    [Fact]
    public void A_model_without_anything_to_quantize_is_not_called_quantized()
    {
        foreach (string form in new[] { "int4", "dynamic" })
            Assert.Contains($"--quantize {form} is for dense layers", Refused(Relu(), "--quantize", form));
    }

    [Fact]
    public void Compare_prints_what_a_report_holds()
    {
        NpyFile.Write(In("x.npy"), Tensor.FromArray<float>([1, -2, 3, -4, 5, -6], new Shape(2, 3)));
        Assert.Equal(0, Run("convert", Relu(), "-o", In("out.edgl")).ExitCode);
        ChildProcess.Outcome outcome = Run("compare", In("relu.onnx"), In("out.edgl"), "--in", In("x.npy"), "--report", In("r.json"), "--json");
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        Assert.Equal(File.ReadAllText(In("r.json")).Trim(), outcome.Output.Trim());
        Assert.True(JsonDocument.Parse(outcome.Output).RootElement.GetProperty("outputs")[0].GetProperty("exact").GetBoolean());
        string other = Save("two.onnx", Model(17, Node("Relu", "x", "y"), Node("Neg", "x", "z")).In("x", DType.Float32, 2, 3).Out("y").Out("z"));
        Assert.Contains("was made from another model", Run("compare", other, In("out.edgl"), "--in", In("x.npy")).Errors);
    }

    [Fact]
    public void A_failing_conversion_leaves_the_file_that_was_there()
    {
        File.WriteAllText(In("out.edgl"), "what was there before");
        Refused(In("nowhere.onnx"));
        Refused(Relu(), "--quantize", "int8");
        Assert.Equal("what was there before", File.ReadAllText(In("out.edgl")));

        ChildProcess.Outcome outcome = Run("convert", Relu(), "-o", In("out.edgl"), "--json");
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        using Model model = Model.Load(In("out.edgl"));
        Assert.Equal([In("out.edgl"), In("relu.onnx")], Directory.GetFiles(_folder).Order(StringComparer.Ordinal));
        using JsonDocument summary = JsonDocument.Parse(outcome.Output);
        Assert.Equal(model.ByteLength, summary.RootElement.GetProperty("bytes").GetInt64());
    }

    [SharedTheory("zoo")]
    [InlineData("tflite/tiny_vww_int8", 2)]
    [InlineData("onnx/blazeface_front", 1)]
    public void Inspect_prints_the_memory_that_a_session_takes(string name, int threads)
    {
        File.WriteAllBytes(In("model.edgl"), ConvertedModels.Bytes(name));
        ChildProcess.Outcome outcome = Run("inspect", In("model.edgl"), "--json", "--threads", $"{threads}");
        Assert.True(outcome.ExitCode == 0, outcome.Errors);
        using JsonDocument json = JsonDocument.Parse(outcome.Output);
        using Model model = Model.Load(In("model.edgl"));
        using Session session = model.CreateSession(new SessionOptions { Threads = threads });
        Assert.Equal(session.ArenaBytes, json.RootElement.GetProperty("arena_bytes").GetInt64());
        Assert.Equal(session.ScratchBytes, json.RootElement.GetProperty("scratch_bytes").GetInt64());
        // Constants, counted one by one, with at most 63 bytes of padding each, are what the file says it holds.
        long weights = json.RootElement.GetProperty("weight_bytes").GetInt64();
        Tensor[] constants = [.. model.Graphs.SelectMany(g => g.Values).Where(v => v.Constant is { Strings: null }).Select(v => v.Constant!)];
        Assert.InRange(weights, 1, constants.Sum(c => c.ByteLength + 63));
        Assert.InRange(weights, 1, model.ByteLength);
        // The first constant begins and the last one ends within them.
        Assert.InRange(Extent(constants), weights - 63, weights);
    }

    [SharedFact("zoo/onnx/blazeface_front")]
    public void Inspect_shows_where_each_step_would_run()
    {
        File.WriteAllBytes(In("model.edgl"), ConvertedModels.Bytes("onnx/blazeface_front"));
        string[] Kernels(params string[] options)
        {
            ChildProcess.Outcome outcome = Run(["inspect", In("model.edgl"), "--json", .. options]);
            Assert.True(outcome.ExitCode == 0, outcome.Errors);
            using JsonDocument json = JsonDocument.Parse(outcome.Output);
            return [.. json.RootElement.GetProperty("steps").EnumerateArray().Select(s => s.GetProperty("kernel").GetString()!)];
        }
        using Model model = Model.Load(In("model.edgl"));
        using Session cpu = model.CreateSession(new SessionOptions { Threads = 1 });
        Assert.Equal(cpu.Profile(1).Select(s => s.Kernel), Kernels("--device", "cpu"));
        // No GPU is there, nor a driver.
        string[] orin = Kernels("--gpu", "87"), half = Kernels("--gpu", "90", "--half");
        Assert.DoesNotContain(orin, k => k.StartsWith("copy/", StringComparison.Ordinal)); // a Jetson shares its memory
        Assert.True(orin.Count(k => k.EndsWith("/cuda", StringComparison.Ordinal)) > 50, string.Join('\n', orin));
        Assert.Contains("copy/to_gpu", half);
        Assert.Contains(half, k => k.StartsWith("conv_f16_", StringComparison.Ordinal));
        if (CudaRun.IsEmulated) // its first device is of 8.0, with other tiles
        {
            using Session session = model.CreateSession(new SessionOptions { Threads = 1, Device = CudaRun.Device, AllowHalf = true });
            Assert.Equal(session.Steps().Select(s => s.Kernel.Split('_')[0]), Kernels("--gpu", "80", "--half").Select(k => k.Split('_')[0]));
        }
        Assert.Contains("cuda", Run("inspect", In("model.edgl"), "--device", "cuda:77").Errors);
    }

    private static unsafe long Extent(Tensor[] constants) => constants.Max(c => (long)c.Data + c.ByteLength) - constants.Min(c => (long)c.Data);
}
