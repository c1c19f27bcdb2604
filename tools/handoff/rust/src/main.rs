//! From text to prediction with ort (ONNX Runtime) and Hugging Face's tokenizers.
//!
//!     cargo run --release -- FOLDER               check against FOLDER/golden
//!     cargo run --release -- FOLDER TEXT [TEXT]   answer for a text, a pair, or a question about a text
//!
//! FOLDER is what `filtrate export` or `filtrate run` wrote.

use std::{collections::BTreeMap, error::Error, fs::File, io::BufReader, path::Path};

use ort::{session::Session, value::Tensor};
use serde_json::{json, Value};
use tokenizers::{Encoding, Tokenizer, TruncationParams, TruncationStrategy};

type Result<T> = std::result::Result<T, Box<dyn Error>>;
type Logits = BTreeMap<String, Vec<f32>>;

fn read_json(file: &Path) -> Result<Value> {
    let reader = BufReader::new(File::open(file).map_err(|e| format!("{}: {e}", file.display()))?);
    Ok(serde_json::from_reader(reader)?)
}

/// How questions are answered: the longest answer, and whether "" may be one.
struct Spans {
    max_answer_length: usize,
    null_threshold: Option<f64>,
}

struct Student {
    config: Value,
    tokenizer: Tokenizer,
    session: Session,
    answers_questions: bool,
}

impl Student {
    fn load(folder: &Path, file: &str) -> Result<Self> {
        let session = Session::builder()?.commit_from_file(folder.join(file))?;
        let answers_questions = session.outputs.iter().any(|o| o.name == "start_logits");
        let settings = read_json(&folder.join("tokenizer_config.json"))?;
        let mut tokenizer = Tokenizer::from_file(folder.join("tokenizer.json")).map_err(|e| e as Box<dyn Error>)?;
        tokenizer
            .with_truncation(Some(TruncationParams {
                max_length: settings["model_max_length"].as_u64().ok_or("no model_max_length")? as usize,
                strategy: if answers_questions {
                    TruncationStrategy::OnlySecond
                } else {
                    TruncationStrategy::LongestFirst
                },
                ..Default::default()
            }))
            .map_err(|e| e as Box<dyn Error>)?;
        Ok(Self { config: read_json(&folder.join("config.json"))?, tokenizer, session, answers_questions })
    }

    fn encode(&self, text: &str, pair: Option<&str>) -> Result<Encoding> {
        match pair {
            Some(second) => self.tokenizer.encode_char_offsets((text, second), true),
            None => self.tokenizer.encode_char_offsets(text, true),
        }
        .map_err(|e| e as Box<dyn Error>)
    }

    fn feeds(&self, encoding: &Encoding) -> Vec<(String, Vec<i64>)> {
        let column = |name: &str| match name {
            "input_ids" => encoding.get_ids(),
            "attention_mask" => encoding.get_attention_mask(),
            _ => encoding.get_type_ids(),
        };
        self.session
            .inputs
            .iter()
            .map(|i| (i.name.clone(), column(&i.name).iter().map(|&id| i64::from(id)).collect()))
            .collect()
    }

    fn logits(&mut self, encoding: &Encoding) -> Result<Logits> {
        let mut inputs = Vec::new();
        for (name, ids) in self.feeds(encoding) {
            inputs.push((name, Tensor::from_array(([1, ids.len()], ids))?));
        }
        let outputs = self.session.run(inputs)?;
        let mut logits = Logits::new();
        for (name, value) in outputs.iter() {
            logits.insert(name.to_string(), value.try_extract_tensor::<f32>()?.1.to_vec());
        }
        Ok(logits)
    }

    /// What the logits mean.
    fn decide(&self, logits: &Logits, encoding: &Encoding, context: Option<&str>, spans: &Spans) -> Value {
        if self.answers_questions {
            let (start, end) = (&logits["start_logits"], &logits["end_logits"]);
            return json!({ "answer": span(start, end, encoding, context.unwrap_or(""), spans) });
        }
        let row: Vec<f64> = logits["logits"].iter().map(|&x| f64::from(x)).collect();
        let label = |i: usize| self.config["id2label"][i.to_string()].clone();
        match self.config["problem_type"].as_str() {
            Some("regression") => json!({ "score": row[0] }),
            Some("multi_label_classification") => {
                let odds: Vec<f64> = row.iter().map(|x| 1.0 / (1.0 + (-x).exp())).collect();
                let given: Vec<Value> = (0..row.len()).filter(|&i| row[i] > 0.0).map(label).collect();
                json!({ "labels": given, "score": odds.iter().cloned().fold(0.0, f64::max) })
            }
            _ => {
                let best = (0..row.len()).fold(0, |b, i| if row[i] > row[b] { i } else { b });
                let sum: f64 = row.iter().map(|x| (x - row[best]).exp()).sum();
                json!({ "labels": [label(best)], "score": 1.0 / sum })
            }
        }
    }
}

/// The part of the context whose ends have the largest sum of logits.
fn span(start: &[f32], end: &[f32], encoding: &Encoding, context: &str, spans: &Spans) -> String {
    let sequences = encoding.get_sequence_ids();
    let (mut best, mut place) = (f32::NEG_INFINITY, (0, 0));
    for i in 0..start.len() {
        for j in i..start.len().min(i + spans.max_answer_length) {
            let inside = sequences[i] == Some(1) && sequences[j] == Some(1);
            if inside && start[i] + end[j] > best {
                best = start[i] + end[j];
                place = (encoding.get_offsets()[i].0, encoding.get_offsets()[j].1);
            }
        }
    }
    let null = f64::from(start[0] + end[0] - best);
    if spans.null_threshold.is_some_and(|threshold| null > threshold) {
        return String::new();
    }
    context.chars().skip(place.0).take(place.1 - place.0).collect()
}

/// Whether every text gets the ids, logits and answers of golden/.
fn check(folder: &Path) -> Result<bool> {
    let inputs = read_json(&folder.join("golden/inputs.json"))?;
    let outputs = read_json(&folder.join("golden/outputs.json"))?;
    let none = inputs["version_2_with_negative"].as_bool().unwrap_or(false);
    let spans = Spans {
        max_answer_length: inputs["max_answer_length"].as_u64().unwrap_or(30) as usize,
        null_threshold: inputs["null_score_diff_threshold"].as_f64().filter(|_| none),
    };
    let mut good = true;
    for (precision, expected) in outputs["precisions"].as_object().ok_or("no precisions")? {
        let mut student = Student::load(folder, expected["file"].as_str().ok_or("no file")?)?;
        let tolerance = expected["tolerance"].as_f64().ok_or("no tolerance")?;
        let examples = inputs["examples"].as_array().ok_or("no examples")?;
        let mut furthest = 0f64;
        for (i, example) in examples.iter().enumerate() {
            let (text, pair) = (example["text"].as_str().unwrap_or(""), example["text_pair"].as_str());
            let wanted = &expected["examples"][i];
            let mut compare = |what: &str, found: Value, wanted: &Value| {
                if found != *wanted {
                    eprintln!("{text:?}: {what}: {found}, expected {wanted}");
                    good = false;
                }
            };
            let encoding = student.encode(text, pair)?;
            for (name, ids) in student.feeds(&encoding) {
                compare(&name, json!(ids), &example[&name]);
            }
            let logits = student.logits(&encoding)?;
            for (name, row) in &logits {
                let expected: Vec<f64> = serde_json::from_value(wanted[name].clone())?;
                let apart = if row.len() == expected.len() {
                    row.iter().zip(&expected).map(|(x, y)| (f64::from(*x) - y).abs()).fold(0.0, f64::max)
                } else {
                    f64::INFINITY
                };
                furthest = furthest.max(apart);
                if apart > tolerance {
                    compare(name, json!(row), &wanted[name]);
                }
            }
            let decision = student.decide(&logits, &encoding, pair, &spans);
            for key in ["labels", "answer"] {
                if wanted.get(key).is_some() {
                    compare(key, decision[key].clone(), &wanted[key]);
                }
            }
        }
        println!(
            "{precision}: {} texts, logits differ by at most {furthest:.1e} (allowed {tolerance:.1e})",
            examples.len()
        );
    }
    Ok(good)
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [folder] => std::process::exit(if check(Path::new(folder))? { 0 } else { 1 }),
        [folder, texts @ ..] if (1..=2).contains(&texts.len()) => {
            let mut student = Student::load(Path::new(folder), "model.onnx")?;
            let pair = texts.get(1).map(String::as_str);
            let encoding = student.encode(&texts[0], pair)?;
            let logits = student.logits(&encoding)?;
            let spans = Spans { max_answer_length: 30, null_threshold: None };
            println!("{}", student.decide(&logits, &encoding, pair, &spans));
            Ok(())
        }
        _ => Err("usage: handoff-rust FOLDER [TEXT [TEXT]]".into()),
    }
}
