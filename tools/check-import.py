#!/usr/bin/env python3
"""Checks the import of a DeBERTa-v3 at full size against PyTorch.

    python tools/check-import.py SPM_MODEL [xsmall|base]...

Needs torch and transformers. For each size a checkpoint with random weights is written by PyTorch into a
temporary folder, as model.safetensors and as pytorch_model.bin; both are then asked for scores with
`filtrate predict`. Prints the largest difference from PyTorch's logits and the time that the command took,
start of the JVM included; fails when a logit is off by more than 1e-4.
"""

import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time

import torch
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

FILTRATE = pathlib.Path(__file__).resolve().parent.parent / "filtrate"
TEXTS = [
    "a film to remember",
    "The soup was cold, but I loved the music.",
    "No.",
    "It rained all week; nobody minded, because the garden had waited for it since the end of May. " * 6,
]
SIZES = {"xsmall": (384, 6, 1536), "base": (768, 12, 3072)}


def model(size):
    hidden, heads, intermediate = SIZES[size]
    torch.manual_seed(1)
    config = DebertaV2Config(
        vocab_size=128100, hidden_size=hidden, num_attention_heads=heads, intermediate_size=intermediate,
        num_hidden_layers=12, type_vocab_size=0, position_biased_input=False, position_buckets=256,
        max_relative_positions=-1, relative_attention=True, share_att_key=True, pos_att_type=["p2c", "c2p"],
        norm_rel_ebd="layer_norm", layer_norm_eps=1e-7, pooler_dropout=0, pooler_hidden_act="gelu",
        pooler_hidden_size=hidden, num_labels=1)
    made = DebertaV2ForSequenceClassification(config).eval()
    with torch.no_grad():
        for name, parameter in made.named_parameters():  # so that texts differ, and biases count
            if parameter.dim() > 1:
                parameter.mul_(2)
            else:
                parameter.add_(0.05 * torch.randn_like(parameter))
    return made


def filtrate(*arguments):
    began = time.time()
    done = subprocess.run([FILTRATE, *map(str, arguments)], stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()], time.time() - began


def check(size, spm, work):
    made = model(size)
    worst = 0.0
    expected = None
    for form in ("safetensors", "bin"):
        folder = work / f"{size}-{form}"
        made.config.architectures = ["DebertaV2ForSequenceClassification"]
        if form == "bin":
            made.config.save_pretrained(folder)
            torch.save(made.state_dict(), folder / "pytorch_model.bin")
        else:
            made.save_pretrained(folder)
        shutil.copy(spm, folder / "spm.model")
        texts = work / "texts.jsonl"
        texts.write_text("".join(json.dumps({"text": text}) + "\n" for text in TEXTS))
        if expected is None:
            rows, _ = filtrate("tokenize", "--model", folder, "--input", texts, "--special-tokens")
            with torch.no_grad():
                expected = [made(torch.tensor([row["ids"]])).logits.item() for row in rows]
        answers, seconds = filtrate("predict", "--quiet", "--json", "--max_length", "512",
                                    "--model_name_or_path", folder, *TEXTS)
        found = [answer["score"] for answer in answers]
        difference = max(abs(a - b) for a, b in zip(expected, found, strict=True))
        worst = max(worst, difference)
        _, one = filtrate("predict", "--quiet", "--json", "--model_name_or_path", folder, "No.")
        print(f"{size} {form}: largest difference {difference:.1e} of logits {min(expected):.3f} to "
              f"{max(expected):.3f}; {len(TEXTS)} texts in {seconds:.1f} s, one in {one:.1f} s")
        shutil.rmtree(folder)
    return worst


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with tempfile.TemporaryDirectory() as work:
        worst = max(check(size, sys.argv[1], pathlib.Path(work)) for size in sys.argv[2:] or ["xsmall"])
    sys.exit(1 if worst > 1e-4 else 0)


if __name__ == "__main__":
    main()
