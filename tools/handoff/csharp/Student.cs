// From text to prediction with Microsoft's ONNX Runtime and tokenizers for .NET.
//
//   dotnet run -- FOLDER          check against FOLDER/golden
//   dotnet run -- FOLDER TEXT     answer
//
// FOLDER is what `filtrate export` or `filtrate run` wrote. Texts need its vocab.txt (BERT, ELECTRA,
// DistilBERT): Microsoft.ML.Tokenizers reads no tokenizer.json. The check takes the ids of golden/.

using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.ML.OnnxRuntime;
using Microsoft.ML.Tokenizers;

if (args.Length is < 1 or > 2)
{
    Console.Error.WriteLine("usage: handoff FOLDER [TEXT]");
    return 2;
}
if (args.Length == 1)
{
    return Golden.Check(args[0]) ? 0 : 1;
}
using var student = new Student(args[0], "model.onnx");
var logits = student.Logits(student.Encode(args[1]))["logits"];
Console.WriteLine(string.Join(", ", student.Labels(logits)) + " " + JsonSerializer.Serialize(logits));
return 0;

sealed class Student : IDisposable
{
    private readonly string folder;
    private readonly JsonNode config;
    private readonly InferenceSession session;

    public Student(string folder, string file)
    {
        this.folder = folder;
        config = Json.Read(folder, "config.json");
        session = new InferenceSession(Path.Combine(folder, file));
    }

    /// <summary>The ids of a text, by the names of the model's inputs.</summary>
    public IReadOnlyDictionary<string, long[]> Encode(string text)
    {
        var settings = Json.Read(folder, "tokenizer_config.json");
        var options = new BertOptions
        {
            LowerCaseBeforeTokenization = settings["do_lower_case"]?.GetValue<bool>() ?? true,
        };
        var tokenizer = BertTokenizer.Create(Path.Combine(folder, "vocab.txt"), options);
        var ids = tokenizer.EncodeToIds(text).Select(id => (long)id).ToList();
        var most = settings["model_max_length"]!.GetValue<int>();
        if (ids.Count > most)
        {
            ids.RemoveRange(most - 1, ids.Count - most); // the last [SEP] stays
        }
        return new Dictionary<string, long[]>
        {
            ["input_ids"] = ids.ToArray(),
            ["attention_mask"] = ids.Select(_ => 1L).ToArray(),
            ["token_type_ids"] = ids.Select(_ => 0L).ToArray(),
        };
    }

    public IReadOnlyDictionary<string, float[]> Logits(IReadOnlyDictionary<string, long[]> ids)
    {
        var feeds = new Dictionary<string, OrtValue>();
        try
        {
            foreach (var name in session.InputNames)
            {
                feeds[name] = OrtValue.CreateTensorValueFromMemory(ids[name], [1L, ids[name].Length]);
            }
            using var options = new RunOptions();
            using var results = session.Run(options, feeds, session.OutputNames);
            return session.OutputNames
                .Zip(results)
                .ToDictionary(pair => pair.First, pair => pair.Second.GetTensorDataAsSpan<float>().ToArray());
        }
        finally
        {
            foreach (var feed in feeds.Values)
            {
                feed.Dispose();
            }
        }
    }

    public IEnumerable<string> InputNames => session.InputNames;

    /// <summary>The labels that a row of logits means; none for a score.</summary>
    public IReadOnlyList<string> Labels(float[] row)
    {
        var kind = config["problem_type"]?.GetValue<string>();
        var best = Array.IndexOf(row, row.Max());
        return Enumerable.Range(0, row.Length)
            .Where(i => kind switch
            {
                "regression" => false,
                "multi_label_classification" => row[i] > 0,
                _ => i == best,
            })
            .Select(i => config["id2label"]![i.ToString()]!.GetValue<string>())
            .ToList();
    }

    public void Dispose() => session.Dispose();
}

static class Golden
{
    /// <summary>Whether every text's ids get the logits and labels of golden/.</summary>
    public static bool Check(string folder)
    {
        var examples = Json.Read(folder, "golden", "inputs.json")["examples"]!.AsArray();
        var precisions = Json.Read(folder, "golden", "outputs.json")["precisions"]!.AsObject();
        var good = true;
        foreach (var (precision, expected) in precisions)
        {
            using var student = new Student(folder, expected!["file"]!.GetValue<string>());
            var tolerance = expected["tolerance"]!.GetValue<double>();
            var furthest = 0.0;
            for (var i = 0; i < examples.Count; i++)
            {
                var wanted = expected["examples"]![i]!;
                var ids = student.InputNames.ToDictionary(
                    name => name, name => examples[i]![name].Deserialize<long[]>()!);
                var logits = student.Logits(ids);
                foreach (var (name, row) in logits)
                {
                    var apart = Furthest(row, wanted[name].Deserialize<double[]>()!);
                    furthest = Math.Max(furthest, apart);
                    good &= Holds(apart <= tolerance, examples[i]!, name, JsonSerializer.Serialize(row), wanted[name]);
                }
                if (wanted["labels"] is JsonNode labels)
                {
                    var found = student.Labels(logits["logits"]);
                    var same = found.SequenceEqual(labels.Deserialize<string[]>()!);
                    good &= Holds(same, examples[i]!, "labels", string.Join(", ", found), labels);
                }
            }
            Console.WriteLine(FormattableString.Invariant(
                $"{precision}: {examples.Count} texts, logits differ by at most {furthest:E1} (allowed {tolerance:E1})"));
        }
        return good;
    }

    private static bool Holds(bool holds, JsonNode example, string what, string found, JsonNode? wanted)
    {
        if (!holds)
        {
            Console.Error.WriteLine($"{example["text"]}: {what}: {found}, expected {wanted?.ToJsonString()}");
        }
        return holds;
    }

    private static double Furthest(float[] row, double[] wanted) =>
        row.Length == wanted.Length
            ? row.Zip(wanted, (x, y) => double.IsNaN(x) ? double.PositiveInfinity : Math.Abs(x - y)).Max()
            : double.PositiveInfinity;
}

static class Json
{
    public static JsonNode Read(params string[] path) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(path)))!;
}
