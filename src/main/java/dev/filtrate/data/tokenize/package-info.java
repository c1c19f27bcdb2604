/**
 * Text to ids by the Hugging Face tokenizers library, which DJL binds: from a {@code
 * tokenizer.json}, or from one made of a WordPiece {@code vocab.txt} or of a SentencePiece model
 * ({@code spm.model}), whose protobuf messages are known here alone.
 *
 * <p>Decisions: the library always gets a {@code tokenizer.json} that passed through here. Older
 * files without a {@code type} of the model get it, and saved truncation and padding are taken out,
 * so that a length limit is only what the caller says. Padding is the batches' business. DJL works
 * offline: it neither reports usage nor looks for another native library. What a tokenizer was read
 * from can be written again, whole, beside an exported model.
 */
@NullMarked
package dev.filtrate.data.tokenize;

import org.jspecify.annotations.NullMarked;
