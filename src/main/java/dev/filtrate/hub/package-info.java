/**
 * Downloads from a hub of Hugging Face's layout, and the cache where they lie.
 *
 * <p>Decisions: the environment variables and the cache's layout are those that {@code
 * huggingface_hub} has, so both find what the other fetched; nothing is downloaded unless {@code
 * filtrate fetch} is asked to; a file counts as fetched when its hash is the announced one, and a
 * revision when all its files are; what the hub says is input like any other, so names that would
 * lead out of the cache are refused; the token goes to the endpoint and to no other host, a proxy's
 * password to the proxy alone.
 */
@NullMarked
package dev.filtrate.hub;

import org.jspecify.annotations.NullMarked;
