#!/usr/bin/env python3
"""Makes the reference cases of multi-label classification from PyTorch (torch, transformers, safetensors).

    python tools/multi-label-cases.py [src/test/resources/multi-label]

The script that made the shared cases (../shared/fixtures/make_fixtures.py, or where FILTRATE_SHARED says) does the work in
float64; it knows no several labels of one text, so this gives it batches of such labels, a task's loss and a KL for them:

bert-multi-label  transformers' own model with problem_type multi_label_classification: its loss is BCEWithLogitsLoss.
ted-multi-label   both stages and both baselines. The task's loss is PyTorch's binary_cross_entropy_with_logits over the labels
                  that are known (-1: not known); the KL is PyTorch's kl_div over {applies, does not}, a label at a time: the
                  softmax of (logit, 0), mean over labels and texts, times T².
"""
import json, os, sys, types, torch

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.environ.get("FILTRATE_SHARED", os.path.join(here, "../../shared")), "fixtures"))
sys.dont_write_bytecode = True
import make_fixtures as shared

F, LABELS = torch.nn.functional, 3
shared.STEPS, shared.B, shared.S, shared.VOCAB = 4, 2, 6, 20
shared.SET["total_steps"] = shared.STEPS
SMALL = dict(vocab_size=20, max_position_embeddings=8, initializer_range=0.5)  # logits that are far from 0

original_batches, original_deberta = shared.batches, shared.deberta
unknown = False


def batches(g, n, B, S, cfg, kind, pad):
    made = original_batches(g, n, B, S, cfg, kind, pad)
    for i, b in enumerate(made):
        b["labels"] = torch.randint(0, 2, (B, LABELS), generator=g).float()
        if unknown and i % 2:
            b["labels"][-1, i % LABELS] = -1
    return made


def deberta(h, L, num_labels, **other):
    return original_deberta(h=h, n=2, L=L, f=12, position_buckets=3, num_labels=num_labels,
                            problem_type="multi_label_classification", **SMALL)


def task_loss(logits, b, qa, labels):
    known = (b["labels"] >= 0).to(logits)
    loss = F.binary_cross_entropy_with_logits(logits, b["labels"].clamp(min=0), weight=known, reduction="sum")
    return loss / known.sum().clamp(min=1)


def pair(x):
    return torch.stack([x, torch.zeros_like(x)], -1)  # [B, C, 2]


shared.batches, shared.deberta, shared.task_loss = batches, deberta, task_loss
shared.F = types.SimpleNamespace(
    gelu=F.gelu, mse_loss=F.mse_loss,
    log_softmax=lambda x, dim: F.log_softmax(pair(x), dim),
    softmax=lambda x, dim: F.softmax(pair(x), dim),
    kl_div=lambda q, p, reduction: F.kl_div(q, p, reduction=reduction) / q.shape[1])  # its caller divides by B

out = sys.argv[1] if len(sys.argv) > 1 else os.path.join(here, "../src/test/resources/multi-label")
torch.set_num_threads(1)
bert = shared.bert(num_labels=LABELS, problem_type="multi_label_classification", hidden_size=8, num_hidden_layers=2,
                   num_attention_heads=2, intermediate_size=12, **SMALL)
shared.plain("bert-multi-label", shared.SEQ, bert, {}, out, 11)
unknown = True
shared.ted("ted-multi-label", out, 11, th=8, sh=6, dim=5, labels=LABELS)
file = os.path.join(out, "ted-multi-label/trajectory.json")
log = json.load(open(file))
log.update(task="multi_label_classification", kl_over="labels")
json.dump(log, open(file, "w"), indent=1)
