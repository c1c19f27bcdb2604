/**
 * Filtrate as a library: a {@link dev.filtrate.api.Recipe} is read, a {@link dev.filtrate.api.Run}
 * carries it out, a {@link dev.filtrate.api.Student} answers. This package alone is meant for other
 * programs; all other packages may change from one version to the next.
 *
 * <pre>{@code
 * Recipe recipe = Recipe.read(Path.of("reviews.yaml")).with("distill.kl_alpha", "10");
 * Run.Outcome outcome = Run.of(recipe).execute();
 * try (Student student = Student.load(outcome.export())) {
 *   System.out.println(student.classify("a film to remember").label());
 * }
 * }</pre>
 *
 * <p>Whatever a user can mend (a file, a key, a model) is a {@link dev.filtrate.base.UserError}
 * whose message is one sentence to show. Nothing is printed. Training and answering use native code
 * of ONNX Runtime, which must not share a process with Microsoft's {@code onnxruntime} jar.
 */
@NullMarked
package dev.filtrate.api;

import org.jspecify.annotations.NullMarked;
