namespace EdgeLite.Tests.Importers;

/// <summary>Random models that engines themselves wrote, with their results; the scripts of tests/oracles make them. EDGELITE_GENUINE=FOLDER checks those
/// of a folder, too.</summary>
public class GenuineModelTests
{
    public static TheoryData<string, int> Places
    {
        get
        {
            var places = new TheoryData<string, int>
            {
                { "caffe-1.0.tar.xz", 81 },
                { "caffe2-1.7.tar.xz", 45 },
                { "chainer-7.8.tar.xz", 45 },
                { "darknet-2018.tar.xz", 45 },
                { "keras-2.3.tar.xz", 62 },
                { "lasagne-0.2.tar.xz", 30 },
                { "tfjs-4.22.tar.xz", 46 },
                { "torch7.tar.xz", 70 },
            };
            if (Environment.GetEnvironmentVariable("EDGELITE_GENUINE") is { Length: > 0 } folder) places.Add(folder, 1);
            return places;
        }
    }

    [Theory]
    [MemberData(nameof(Places))]
    public void Results_are_those_of_the_engine(string place, int least)
    {
        if (place.EndsWith(".tar.xz", StringComparison.Ordinal)) GenuineModels.CheckArchive(place, least);
        else GenuineModels.CheckFolder(place, least);
    }
}
