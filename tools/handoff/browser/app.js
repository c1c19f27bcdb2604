// Everything runs in the page, in WebAssembly; nothing is fetched but the files beside it.
import {
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoTokenizer,
  env,
} from "@huggingface/transformers";

env.allowLocalModels = true; // a browser's default is the hub
env.allowRemoteModels = false;
env.localModelPath = new URL(".", import.meta.url).pathname; // of a whole URL it finds no tokenizer
env.backends.onnx.wasm.wasmPaths = new URL("ort/", import.meta.url).href;
env.backends.onnx.wasm.numThreads = 1; // more need a page that is cross-origin isolated

const NAME = "model";
const at = (id) => document.getElementById(id);
const readJson = async (file) => (await fetch(new URL(`${NAME}/${file}`, import.meta.url))).json();

class Student {
  static async load() {
    const student = new Student();
    student.inputs = await readJson("golden/inputs.json");
    student.precisions = (await readJson("golden/outputs.json")).precisions;
    student.precision = "int8" in student.precisions ? "int8" : "fp32";
    student.questions = student.inputs.task === "question-answering";
    const Model = student.questions ? AutoModelForQuestionAnswering : AutoModelForSequenceClassification;
    student.tokenizer = await AutoTokenizer.from_pretrained(NAME);
    student.model = await Model.from_pretrained(NAME, { device: "wasm" }); // config.json says which file
    return student;
  }

  async logits(text, pair) {
    const ids = this.tokenizer(text, { text_pair: pair ?? null, truncation: true });
    const outputs = await this.model(ids);
    const rows = {};
    for (const name of this.questions ? ["start_logits", "end_logits"] : ["logits"]) {
      rows[name] = Array.from(outputs[name].data);
    }
    return { rows, ids: Array.from(ids.input_ids.data, Number) };
  }

  async answer(text, pair) {
    const { rows, ids } = await this.logits(text, pair);
    if (this.questions) return this.span(rows, ids) || "(no answer)";
    const { problem_type: kind, labels } = this.inputs;
    const row = rows.logits;
    if (kind === "regression") return row[0].toFixed(3);
    if (kind === "multi_label_classification") {
      const shown = row.map((x, i) => `${labels[i]} ${(100 / (1 + Math.exp(-x))).toFixed(1)} %`);
      return shown.join(", ");
    }
    const highest = Math.max(...row);
    const sum = row.reduce((total, x) => total + Math.exp(x - highest), 0);
    return `${labels[row.indexOf(highest)]} ${(100 / sum).toFixed(1)} %`;
  }

  /** The tokens of the second text whose ends have the largest sum of logits. */
  span({ start_logits: start, end_logits: end }, ids) {
    let [best, answer] = [-Infinity, []];
    const from = ids.indexOf(this.tokenizer.sep_token_id) + 1;
    for (let i = from; i < ids.length - 1; i++) {
      for (let j = i; j < Math.min(ids.length - 1, i + this.inputs.max_answer_length); j++) {
        if (start[i] + end[j] > best) [best, answer] = [start[i] + end[j], ids.slice(i, j + 1)];
      }
    }
    const threshold = this.inputs.null_score_diff_threshold;
    const none = this.inputs.version_2_with_negative && start[0] + end[0] - best > threshold;
    return none ? "" : this.tokenizer.decode(answer, { skip_special_tokens: true });
  }

  /** Golden texts against the logits that belong to them; too long ones are cut in another way here. */
  async check() {
    const expected = this.precisions[this.precision];
    let [count, furthest] = [0, 0];
    for (const [i, { text, text_pair, truncated }] of this.inputs.examples.entries()) {
      if (truncated) continue;
      const { rows } = await this.logits(text, text_pair);
      for (const [name, row] of Object.entries(rows)) {
        const wanted = expected.examples[i][name];
        const apart = row.length === wanted.length ? Math.max(...row.map((x, k) => Math.abs(x - wanted[k]))) : Infinity;
        furthest = Math.max(furthest, apart);
      }
      count++;
    }
    const good = furthest <= expected.tolerance;
    return {
      good,
      words:
        `${this.precision} in WebAssembly; ${count} golden texts ${good ? "agree" : "DISAGREE"}: logits differ by at most` +
        ` ${furthest.toExponential(1)} (allowed ${expected.tolerance.toExponential(1)})`,
    };
  }
}

try {
  const student = await Student.load();
  const sample = student.inputs.examples[0];
  const pairs = student.questions || student.inputs.examples.every((e) => e.text_pair !== undefined);
  if (pairs) {
    at("text").value = sample.text;
    at("pair").value = sample.text_pair;
    at("pair").hidden = false;
  }
  const ask = async () => {
    const before = performance.now();
    at("answer").textContent = await student.answer(at("text").value, pairs ? at("pair").value : null);
    at("latency").textContent = `${(performance.now() - before).toFixed(1)} ms`;
  };
  document.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask().catch((error) => console.error(error));
  });
  const { good, words } = await student.check();
  at("status").textContent = words;
  at("status").dataset.state = good ? "good" : "bad";
  document.querySelector("button").disabled = false;
} catch (error) {
  at("status").textContent = `cannot load the student: ${error.message}`;
  at("status").dataset.state = "bad";
  console.error(error);
}
