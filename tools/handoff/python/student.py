#!/usr/bin/env python3
"""From text to prediction with onnxruntime and tokenizers, nothing else.

    python student.py FOLDER                    checks itself against FOLDER/golden
    python student.py FOLDER TEXT               answers
    python student.py FOLDER TEXT TEXT          answers for a pair, or a question about a text

FOLDER is what `filtrate export` or `filtrate run` wrote.
"""

import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import tokenizers


class Student:
    def __init__(self, folder, file="model.onnx", max_answer_length=30, null_threshold=None):
        folder = Path(folder)
        self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
        self.session = onnxruntime.InferenceSession(folder / file)
        self.inputs = [value.name for value in self.session.get_inputs()]
        self.outputs = [value.name for value in self.session.get_outputs()]
        self.answers_questions = "start_logits" in self.outputs
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.enable_truncation(
            settings["model_max_length"],
            strategy="only_second" if self.answers_questions else "longest_first",
        )
        self.max_answer_length = max_answer_length
        self.null_threshold = null_threshold  # not None: a question may be without an answer

    def encode(self, text, pair=None):
        return self.tokenizer.encode(text, pair)

    def feeds(self, encoding):
        columns = {
            "input_ids": encoding.ids,
            "attention_mask": encoding.attention_mask,
            "token_type_ids": encoding.type_ids,
        }
        return {name: np.array([columns[name]], np.int64) for name in self.inputs}

    def logits(self, encoding):
        rows = self.session.run(self.outputs, self.feeds(encoding))
        return {name: row[0] for name, row in zip(self.outputs, rows)}

    def predict(self, text, pair=None):
        encoding = self.encode(text, pair)
        return self.decide(self.logits(encoding), encoding, pair)

    def decide(self, logits, encoding, context):
        """What the logits mean."""
        if self.answers_questions:
            return {"answer": self.span(logits["start_logits"], logits["end_logits"], encoding, context)}
        row = logits["logits"].astype(np.float64)
        labels = [self.config["id2label"][str(i)] for i in range(len(row))]
        kind = self.config["problem_type"]
        if kind == "regression":
            return {"score": float(row[0])}
        if kind == "multi_label_classification":
            odds = 1 / (1 + np.exp(-row))
            return {"labels": [n for n, p in zip(labels, odds) if p > 0.5], "score": float(odds.max())}
        odds = np.exp(row - row.max())
        odds /= odds.sum()
        return {"labels": [labels[int(row.argmax())]], "score": float(odds.max())}

    def span(self, start, end, encoding, context):
        """The part of the context whose ends have the largest sum of logits."""
        in_context = [i for i, s in enumerate(encoding.sequence_ids) if s == 1]
        best, answer = -np.inf, ""
        for i in in_context:
            for j in in_context:
                if i <= j < i + self.max_answer_length and start[i] + end[j] > best:
                    best = start[i] + end[j]
                    answer = context[encoding.offsets[i][0] : encoding.offsets[j][1]]
        if self.null_threshold is not None and start[0] + end[0] - best > self.null_threshold:
            return ""
        return answer


def check(folder):
    """Whether every text gets the ids, logits and answers of golden/."""
    golden = Path(folder) / "golden"
    inputs = json.loads((golden / "inputs.json").read_text(encoding="utf-8"))
    outputs = json.loads((golden / "outputs.json").read_text(encoding="utf-8"))
    good = True
    for precision, expected in outputs["precisions"].items():
        student = Student(
            folder,
            expected["file"],
            inputs.get("max_answer_length", 30),
            inputs["null_score_diff_threshold"] if inputs.get("version_2_with_negative") else None,
        )
        furthest = 0.0
        for example, wanted in zip(inputs["examples"], expected["examples"], strict=True):
            text, pair = example["text"], example.get("text_pair")
            encoding = student.encode(text, pair)
            for name, column in student.feeds(encoding).items():
                if column[0].tolist() != example[name]:
                    print(f"{text!r}: {name} are {column[0].tolist()}, expected {example[name]}")
                    good = False
            logits = student.logits(encoding)
            if any(len(row) != len(wanted[name]) for name, row in logits.items()):
                continue  # other ids, as said above
            apart = max(float(np.abs(row - wanted[name]).max()) for name, row in logits.items())
            furthest = max(furthest, apart)
            if not apart <= expected["tolerance"]:
                print(f"{text!r}: logits are {logits}, expected {wanted}")
                good = False
            decision = student.decide(logits, encoding, pair)
            for key in ("labels", "answer"):  # what the tolerance leaves open is not there
                if key in wanted and decision.get(key) != wanted[key]:
                    print(f"{text!r}: {key} is {decision.get(key)!r}, expected {wanted.get(key)!r}")
                    good = False
        print(
            f"{precision}: {len(expected['examples'])} texts, logits differ by at most"
            f" {furthest:.1e} (allowed {expected['tolerance']:.1e})"
        )
    return good


if __name__ == "__main__":
    if not 2 <= len(sys.argv) <= 4:
        sys.exit(__doc__)
    if len(sys.argv) == 2:
        sys.exit(0 if check(sys.argv[1]) else 1)
    print(json.dumps(Student(sys.argv[1]).predict(*sys.argv[2:]), ensure_ascii=False))
