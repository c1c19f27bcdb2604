#!/usr/bin/env python3
"""Stage II over real texts in PyTorch: what an epoch takes with batches drawn at random and padded to their longest text.

    filtrate tokenize --tokenizer spm.model --special_tokens --input texts.jsonl > ids.jsonl
    python tools/epoch-in-torch.py ids.jsonl [--batch 32] [--threads 2] [--batches 40]

DeBERTa-v3-base teaches -xsmall (random weights, dropout 0.1 in the student), linear filters on all 12 layers, AdamW. A random
sample of batches is timed after three for warming up, and the epoch extrapolated from it. Needs torch and transformers.
"""
import argparse, json, random, statistics, time
import torch
import torch.nn.functional as F
from transformers import DebertaV2Config, DebertaV2ForSequenceClassification

WARM_UP = 3

parser = argparse.ArgumentParser()
parser.add_argument("ids")
parser.add_argument("--batch", type=int, default=32)
parser.add_argument("--threads", type=int, default=2)
parser.add_argument("--batches", type=int, default=40)
args = parser.parse_args()
torch.manual_seed(0)
torch.set_num_threads(args.threads)


def model(hidden, heads):
    return DebertaV2ForSequenceClassification(DebertaV2Config(
        vocab_size=128100, hidden_size=hidden, num_hidden_layers=12, num_attention_heads=heads, intermediate_size=4 * hidden,
        hidden_act="gelu", max_position_embeddings=512, type_vocab_size=0, relative_attention=True, position_buckets=256,
        norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type=["p2c", "c2p"], position_biased_input=False,
        layer_norm_eps=1e-7, num_labels=2, attn_implementation="eager"))


teacher, student = model(768, 12).eval(), model(384, 6).train()
taught = torch.nn.ModuleList([torch.nn.Linear(768, 768) for _ in range(12)])
learning = torch.nn.ModuleList([torch.nn.Linear(384, 768) for _ in range(12)])
optimizer = torch.optim.AdamW([*student.parameters(), *learning.parameters()], lr=1e-5)


def step(texts):
    ids = torch.nn.utils.rnn.pad_sequence([torch.tensor(t) for t in texts], batch_first=True)
    inputs = {"input_ids": ids, "attention_mask": (ids != 0).long(), "output_hidden_states": True}
    with torch.no_grad():
        theirs = teacher(**inputs)
        goal = [f(h) for f, h in zip(taught, theirs.hidden_states[1:])]
    mine = student(**inputs)
    mse = sum(F.mse_loss(f(h), g) for f, h, g in zip(learning, mine.hidden_states[1:], goal)) / 12
    kl = F.kl_div(F.log_softmax(mine.logits / 2, -1), F.softmax(theirs.logits / 2, -1), reduction="batchmean") * 4
    loss = F.cross_entropy(mine.logits, torch.randint(0, 2, (len(texts),))) + 20 * kl + 20 * mse
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    optimizer.step()
    return ids.shape[1]


texts = [json.loads(line)["ids"] for line in open(args.ids)]
random.Random(0).shuffle(texts)
times, lengths = [], []
for b in range(args.batches + WARM_UP):
    began = time.perf_counter()
    length = step(texts[b * args.batch:(b + 1) * args.batch])
    if b >= WARM_UP:
        times.append(time.perf_counter() - began)
        lengths.append(length)
updates = -(-len(texts) // args.batch)
mean, error = statistics.mean(times), statistics.stdev(times) / len(times) ** 0.5
print(f"{updates} updates an epoch; {len(times)} of them: {mean:.3f} ± {error:.3f} s each, {statistics.mean(lengths):.1f} tokens long")
print(f"an epoch: {updates * mean:.0f} s")
