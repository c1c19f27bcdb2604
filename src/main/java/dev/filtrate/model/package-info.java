/**
 * Everything that emits: encoders, heads, TED's filters, losses and the optimizer, written in the
 * vocabulary of {@link dev.filtrate.graph.Ops} so that they read like the papers.
 *
 * <p>Parameters carry the names of Hugging Face checkpoints, which the scopes produce; filters
 * carry the names of the TED release. A definition is the same for training and inference: the only
 * difference is whether dropout is emitted. Shapes: B batch, S sequence, H hidden, h heads, d head
 * size, L layers, C labels, F filter width, K filters.
 *
 * <p>Decisions: DeBERTa's position terms depend on the distance i−j alone, so they are computed
 * once per distance and shifted into place, never gathered; the loss over labels is composed of
 * LogSoftmax and GatherElements, because unlabelled rows (label −1) must add nothing and a batch
 * without any label must give 0, which no single operator does; the padding row of word embeddings
 * gets no gradient, as in {@code torch.nn.Embedding}. BERT, RoBERTa and ELECTRA are one encoder, as
 * they differ in embeddings and {@link dev.filtrate.model.Pooler} only; {@code token_type_ids} are
 * an input where there are two types to tell apart.
 */
@NullMarked
package dev.filtrate.model;

import org.jspecify.annotations.NullMarked;
