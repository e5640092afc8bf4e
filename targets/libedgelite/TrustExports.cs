using System.Runtime.InteropServices;
using EdgeLite.Core;

namespace EdgeLite.Native;

/// <summary>The functions of edgelite.h that say whether a model is what was converted.</summary>
internal static unsafe class TrustExports
{
    /// <summary><c>el_self_test_report</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Report
    {
        public nuint StructSize;
        public int Outputs;
        public int Exact;
        public int Failed;
        public double WorstSqnr;
    }

    [UnmanagedCallersOnly(EntryPoint = "el_model_self_test")]
    public static Status SelfTest(nint model, SessionExports.Options* options, Report* report)
    {
        try
        {
            if (report != null && report->StructSize < (nuint)sizeof(Report))
                throw new EdgeLiteException(Status.InvalidArgument, $"struct_size of the report is {report->StructSize}: set it to sizeof(el_self_test_report).");
            ModelHandle handle = Border.Models.Get(model);
            handle.Retain();
            SelfTestResult[] results;
            try
            {
                results = handle.Model.SelfTest(SessionExports.Read(options));
            }
            finally
            {
                handle.Release();
            }
            SelfTestResult? first = null;
            int exact = 0, failed = 0;
            double worst = double.PositiveInfinity;
            foreach (SelfTestResult result in results)
            {
                worst = Math.Min(worst, result.Sqnr);
                if (result.IsExact) exact++;
                if (result.Passed) continue;
                first ??= result;
                failed++;
            }
            if (report != null) (report->Outputs, report->Exact, report->Failed, report->WorstSqnr) = (results.Length, exact, failed, worst);
            return first == null ? Status.Ok
                : throw new EdgeLiteException(Status.SelfTestFailed, $"'{handle.Model.Name}' failed its self-test: {first}{(failed > 1 ? $", and {failed - 1} more" : "")}.");
        }
        catch (Exception e)
        {
            return Border.Fail(e);
        }
    }
}
