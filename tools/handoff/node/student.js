// From text to prediction with onnxruntime-node and Hugging Face's tokenizers in JavaScript.
//
//   node student.js FOLDER                check against FOLDER/golden
//   node student.js FOLDER TEXT [TEXT]    answer for a text, a pair, or a question about a text
//
// FOLDER is what `filtrate export` or `filtrate run` wrote.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { Tokenizer } from "@huggingface/tokenizers";
import ort from "onnxruntime-node";

export const readJson = (...path) => JSON.parse(readFileSync(join(...path), "utf8"));

export class Student {
  static async load(folder, file = "model.onnx", settings = {}) {
    const student = new Student();
    student.config = readJson(folder, "config.json");
    const tokenizerConfig = readJson(folder, "tokenizer_config.json");
    student.maxLength = tokenizerConfig.model_max_length;
    student.tokenizer = new Tokenizer(readJson(folder, "tokenizer.json"), tokenizerConfig);
    student.session = await ort.InferenceSession.create(join(folder, file));
    student.answersQuestions = student.session.outputNames.includes("start_logits");
    student.settings = { maxAnswerLength: 30, nullThreshold: null, ...settings };
    return student;
  }

  /** Ids as the model takes them; the tokenizer itself does not cut what is too long. */
  encode(text, pair) {
    const count = (part) =>
      part == null ? 0 : this.tokenizer.encode(part, { add_special_tokens: false }).ids.length;
    const all = this.tokenizer.encode(text, { text_pair: pair ?? null, return_token_type_ids: true });
    const [first, second] = [count(text), count(pair)];
    const room = this.maxLength - (all.ids.length - first - second);
    const [keepFirst, keepSecond] = this.keep(first, second, room);
    const secondStart = all.ids.length - 1 - second; // one special token at each end
    const kept = (_, i) =>
      !(i > keepFirst && i <= first) && !(i >= secondStart + keepSecond && i < secondStart + second);
    const ids = all.ids.filter(kept);
    return {
      input_ids: ids,
      attention_mask: ids.map(() => 1),
      token_type_ids: all.token_type_ids.filter(kept),
      context: pair == null ? null : { start: ids.length - 1 - keepSecond, end: ids.length - 1 },
    };
  }

  /** How many tokens of each text fit: the longer one loses first; of a question's, the context. */
  keep(first, second, room) {
    if (first + second <= room) return [first, second];
    if (this.answersQuestions) return [first, Math.max(0, room - first)];
    let short = Math.min(first, second);
    let long = Math.max(short, room - short);
    if (short + long > room) {
      short = Math.floor(room / 2);
      long = room - short;
    }
    return first <= second ? [short, long] : [long, short];
  }

  async logits(encoding) {
    const feeds = {};
    for (const name of this.session.inputNames) {
      const ids = BigInt64Array.from(encoding[name], BigInt);
      feeds[name] = new ort.Tensor("int64", ids, [1, ids.length]);
    }
    const outputs = await this.session.run(feeds);
    return Object.fromEntries(Object.entries(outputs).map(([name, t]) => [name, Array.from(t.data)]));
  }

  async predict(text, pair) {
    const encoding = this.encode(text, pair);
    return this.decide(await this.logits(encoding), encoding);
  }

  /** What the logits mean. */
  decide(logits, encoding) {
    if (this.answersQuestions) return { answer: this.span(logits, encoding) };
    const row = logits.logits;
    const label = (i) => this.config.id2label[i];
    if (this.config.problem_type === "regression") return { score: row[0] };
    if (this.config.problem_type === "multi_label_classification") {
      const odds = row.map((x) => 1 / (1 + Math.exp(-x)));
      const given = odds.flatMap((p, i) => (p > 0.5 ? [label(i)] : []));
      return { labels: given, score: Math.max(...odds) };
    }
    const highest = Math.max(...row);
    const sum = row.reduce((total, x) => total + Math.exp(x - highest), 0);
    return { labels: [label(row.indexOf(highest))], score: 1 / sum };
  }

  /** The part of the context whose ends have the largest sum of logits, as its tokens spell it. */
  span({ start_logits: start, end_logits: end }, { input_ids: ids, context }) {
    let [best, answer] = [-Infinity, []];
    for (let i = context.start; i < context.end; i++) {
      for (let j = i; j < Math.min(context.end, i + this.settings.maxAnswerLength); j++) {
        if (start[i] + end[j] > best) [best, answer] = [start[i] + end[j], ids.slice(i, j + 1)];
      }
    }
    const { nullThreshold } = this.settings;
    const none = nullThreshold !== null && start[0] + end[0] - best > nullThreshold;
    return none ? "" : this.tokenizer.decode(answer, { skip_special_tokens: false });
  }
}

/** The golden texts of an export, with what is expected of each precision. */
export function golden(folder) {
  const inputs = readJson(folder, "golden", "inputs.json");
  const { precisions } = readJson(folder, "golden", "outputs.json");
  return { inputs, precisions };
}

const bare = (text) => text.normalize("NFD").replace(/[\p{M}\s]/gu, "").toLowerCase();

/** Whether tokens spell an answer: they do not tell spaces, capitals, accents and unknown signs. */
export function spells(tokens, answer) {
  const parts = bare(tokens).split(/\[unk\]|<unk>/);
  const pattern = parts.map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join(".+");
  return new RegExp(`^${pattern}$`, "u").test(bare(answer));
}

const furthest = (row, wanted) =>
  row.length === wanted.length
    ? Math.max(...row.map((x, i) => Math.abs(x - wanted[i])))
    : Infinity;

/** Whether every text gets the ids, logits and answers of golden/. */
export async function check(folder) {
  const { inputs, precisions } = golden(folder);
  let good = true;
  const fail = (text, what, found, wanted) => {
    good = false;
    console.error(`${JSON.stringify(text)}: ${what}: ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`);
  };
  for (const [precision, expected] of Object.entries(precisions)) {
    const student = await Student.load(folder, expected.file, {
      maxAnswerLength: inputs.max_answer_length ?? 30,
      nullThreshold: inputs.version_2_with_negative ? inputs.null_score_diff_threshold : null,
    });
    let largest = 0;
    for (const [i, { text, text_pair: pair, ...ids }] of inputs.examples.entries()) {
      const wanted = expected.examples[i];
      const encoding = student.encode(text, pair);
      for (const name of student.session.inputNames) {
        if (String(encoding[name]) !== String(ids[name])) fail(text, name, encoding[name], ids[name]);
      }
      const logits = await student.logits(encoding);
      const apart = Math.max(...Object.keys(logits).map((name) => furthest(logits[name], wanted[name])));
      largest = Math.max(largest, apart);
      if (!(apart <= expected.tolerance)) fail(text, "logits", logits, wanted);
      const decision = student.decide(logits, encoding);
      // what the tolerance leaves open is not there to be compared
      if (wanted.labels !== undefined && String(decision.labels) !== String(wanted.labels)) {
        fail(text, "labels", decision.labels, wanted.labels);
      }
      if (wanted.answer !== undefined && !spells(decision.answer, wanted.answer)) {
        fail(text, "answer", decision.answer, wanted.answer);
      }
    }
    console.log(
      `${precision}: ${inputs.examples.length} texts, logits differ by at most ${largest.toExponential(1)}` +
        ` (allowed ${expected.tolerance.toExponential(1)})`,
    );
  }
  return good;
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder, ...texts] = process.argv.slice(2);
  if (folder === undefined || texts.length > 2) {
    console.error("usage: node student.js FOLDER [TEXT [TEXT]]");
    process.exitCode = 2;
  } else if (texts.length > 0) {
    console.log(JSON.stringify(await (await Student.load(folder)).predict(...texts)));
  } else {
    process.exitCode = (await check(folder)) ? 0 : 1;
  }
}
