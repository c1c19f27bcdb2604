// The same with transformers.js, from local files: the classes of the model and the pipeline.
//
//   node pipeline.js FOLDER     check against FOLDER/golden
//
// It differs from the other programs in three ways. A text that is too long it cuts behind the
// special tokens, so the last [SEP] is lost: such texts are left out here. Its pipeline takes single
// texts only, so pairs go through the model's class. And it puts a single score through a softmax,
// which is always 1: scores are taken from the model's class.

import { basename, dirname, resolve } from "node:path";
import {
  AutoModelForQuestionAnswering,
  AutoModelForSequenceClassification,
  AutoTokenizer,
  env,
  pipeline,
} from "@huggingface/transformers";
import { golden, readJson, spells } from "./student.js";

const DTYPES = { fp32: "fp32", fp16: "fp16", int8: "q8" };

const folder = resolve(process.argv[2] ?? ".");
env.allowRemoteModels = false;
env.localModelPath = dirname(folder);
const name = basename(folder);

const { inputs, precisions } = golden(folder);
const questions = inputs.task === "question-answering";
const Model = questions ? AutoModelForQuestionAnswering : AutoModelForSequenceClassification;
const tokenizer = await AutoTokenizer.from_pretrained(name);
const texts = inputs.examples.map((text, i) => [text, i]).filter(([text]) => !text.truncated);
const problem = readJson(folder, "config.json").problem_type;
let good = true;
const fail = (text, what, found, wanted) => {
  good = false;
  console.error(`${JSON.stringify(text)}: ${what}: ${JSON.stringify(found)}, expected ${JSON.stringify(wanted)}`);
};

for (const [precision, expected] of Object.entries(precisions)) {
  const dtype = DTYPES[precision];
  if (dtype === undefined) continue; // a file that transformers.js does not know
  const model = await Model.from_pretrained(name, { dtype });
  let largest = 0;
  for (const [{ text, text_pair }, i] of texts) {
    const outputs = await model(tokenizer(text, { text_pair: text_pair ?? null }));
    const wanted = expected.examples[i];
    for (const output of questions ? ["start_logits", "end_logits"] : ["logits"]) {
      const row = Array.from(outputs[output].data);
      const apart = Math.max(...wanted[output].map((x, k) => Math.abs(x - row[k])));
      largest = Math.max(largest, apart);
      if (!(apart <= expected.tolerance) || row.length !== wanted[output].length) {
        fail(text, output, row, wanted[output]);
      }
    }
  }
  let answered = 0;
  const answer = await pipeline(inputs.task, name, { dtype });
  for (const [{ text, text_pair, input_ids: ids }, i] of texts) {
    const wanted = expected.examples[i];
    if (questions) {
      const { answer: found } = await answer(text, text_pair);
      // it knows neither a longest answer nor "no answer", and takes unknown tokens for special ones
      const short = tokenizer.encode(found).length <= inputs.max_answer_length;
      const known = !ids.includes(tokenizer.unk_token_id);
      const told = wanted.answer !== undefined; // else the tolerance leaves it open
      const comparable = told && short && known && !inputs.version_2_with_negative;
      if (comparable && !spells(found, wanted.answer)) fail(text, "answer", found, wanted.answer);
      answered += comparable ? 1 : 0;
    } else if (text_pair === undefined && problem === "single_label_classification") {
      const [{ label, score }] = await answer(text);
      const other = wanted.labels !== undefined && label !== wanted.labels[0];
      if (other || Math.abs(score - wanted.score) > expected.tolerance) {
        fail(text, "answer", { label, score }, wanted);
      }
      answered++;
    }
  }
  console.log(
    `${precision}: ${texts.length} texts, logits differ by at most ${largest.toExponential(1)}` +
      ` (allowed ${expected.tolerance.toExponential(1)}); the pipeline answered ${answered}`,
  );
}
process.exitCode = good ? 0 : 1;
