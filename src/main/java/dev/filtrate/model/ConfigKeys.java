package dev.filtrate.model;

/**
 * How a family's {@code config.json} spells what is set from outside.
 *
 * @param layers their number
 * @param classifierDropout dropout before the classifier
 * @param hiddenDropout dropout after embeddings and dense layers
 * @param attentionDropout dropout of attention probabilities
 */
record ConfigKeys(
    String layers, String classifierDropout, String hiddenDropout, String attentionDropout) {}
