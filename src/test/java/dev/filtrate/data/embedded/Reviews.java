package dev.filtrate.data.embedded;

import dev.filtrate.base.Randomness;
import dev.filtrate.data.embedded.Words.Forms;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * A grammar of reviews. Every rule is asked for a text of a given verdict ({@code sign} +1: good,
 * -1: bad) and asks its parts for theirs, so the verdict is known by construction and both are as
 * frequent. Words of the other sign are everywhere: in negated parts, in the clause that a contrast
 * overrules, in what somebody wrongly said, in asides about something else. Counting words is right
 * about three times in four; beyond that it takes how the parts are put together.
 */
final class Reviews {
  /** The larger, the more the first options of a list are preferred. */
  private static final double SLOPE = 2.2;

  private static final Pattern AN = Pattern.compile("\\ba (?=[aeiou])");
  private static final Pattern FIRST_PERSON = Pattern.compile("\\bi\\b");
  private static final Pattern START = Pattern.compile("(?:^|\\. )[a-z]");

  private final Randomness random;

  Reviews(Randomness random) {
    this.random = random;
  }

  /** A review with this verdict. */
  String review(int sign) {
    String body =
        switch (weighted(21, 40, 20, 7, 3, 6, 3)) {
          case 0 -> clause(sign);
          case 1 -> clause(sign) + pick(" and ", ". ", ". also, ", ", and ") + clause(sign);
          case 2 -> contrast(sign);
          case 3 -> attitude(sign);
          case 4 -> report(sign);
          case 5 -> comparison(sign);
          default -> wish(sign);
        };
    return written(
        switch (weighted(88, 6, 6)) {
          case 0 -> body + ".";
          case 1 -> aside() + ". " + body + ".";
          default -> body + ". " + aside() + ".";
        });
  }

  /** Capitals, and "an" before a vowel. */
  private static String written(String text) {
    String articles = AN.matcher(text).replaceAll("an ");
    String persons = FIRST_PERSON.matcher(articles).replaceAll("I");
    return START.matcher(persons).replaceAll(m -> m.group().toUpperCase(Locale.ROOT));
  }

  // Sentences.

  /** Two clauses of which one decides. */
  private String contrast(int sign) {
    int other = chance(70) ? -sign : sign;
    return switch (weighted(45, 18, 15, 10, 4, 4, 2, 2)) {
      case 0 -> clause(other) + ", but " + clause(sign);
      case 1 -> "although " + clause(other) + ", " + clause(sign);
      case 2 -> clause(sign) + ", even though " + clause(other);
      case 3 -> clause(sign) + " because " + clause(sign);
      case 4 -> clause(other) + ". still, " + clause(sign);
      case 5 -> clause(other) + ", yet in the end " + clause(sign);
      case 6 -> "while " + clause(other) + ", what counts is that " + clause(sign);
      default -> clause(sign) + ", and it hardly matters that " + clause(other);
    };
  }

  /** A claim that the speaker holds true or denies. */
  private String attitude(int sign) {
    if (chance(55)) {
      return pick(
              "i am sure that ",
              "it is plain that ",
              "i can confirm that ",
              "everyone agrees that ",
              "nobody denies that ",
              "i do not doubt that ",
              "there is no denying that ")
          + claim(sign);
    }
    return pick(
            "i doubt that ",
            "it is not true that ",
            "nobody believes that ",
            "i cannot agree that ",
            "it is a myth that ",
            "it is wrong to say that ",
            "i deny that ",
            "no one can claim that ")
        + claim(-sign);
  }

  /** What somebody said, and whether it is so. */
  private String report(int sign) {
    boolean right = chance(60);
    String said = pick(" said", " claimed", " swore", " promised", " warned us", " told me");
    String judgement =
        right
            ? pick("and that was right", "which is true", "and i agree", "and so it was")
            : pick("and that was wrong", "which is false", "but i disagree", "but it was a lie");
    return pick(Words.PEOPLE) + said + " that " + claim(right ? sign : -sign) + ", " + judgement;
  }

  /** This against another. */
  private String comparison(int sign) {
    String thing = pick(Words.THINGS).first();
    String more = pick(Words.COMPARATIVES.of(sign));
    String less = pick(Words.COMPARATIVES.of(-sign));
    return switch (weighted(25, 25, 10, 10, 10, 10, 5, 5)) {
      case 0 -> "the new " + thing + " is " + more + " than the old one";
      case 1 -> "i have never seen a " + more + " " + thing;
      case 2 -> "the old " + thing + " was " + less + " than this one";
      case 3 -> "i have often seen a " + less + " " + thing;
      case 4 -> "this " + thing + " makes every other one look " + adjective(-sign);
      case 5 -> "this " + thing + " is no " + less + " than a " + adjective(sign) + " one";
      case 6 -> "the " + thing + " could not have been " + more;
      default -> "the " + thing + " could easily have been " + less;
    };
  }

  /** Hopes, fears and what might have been. */
  private String wish(int sign) {
    String thing = pick(Words.THINGS).first();
    if (chance(50)) {
      int expected = chance(50) ? 1 : -1;
      String came =
          expected == sign ? pick("and it was", "and so it is") : pick("but it was not", "but no");
      return pick("i expected", "we thought", "i feared", "i hoped")
          + " that the "
          + thing
          + " would be "
          + adjective(expected)
          + ", "
          + came;
    }
    return switch (random.nextInt(3)) {
      case 0 -> "only a fool would call the " + thing + " " + adjective(-sign);
      case 1 ->
          sign > 0
              ? "without the " + thing + " the day would have been " + adjective(-1)
              : "with a " + adjective(1) + " " + thing + " it would have been fun";
      default ->
          sign > 0
              ? "i would not change a thing about the " + adjective(1) + " " + thing
              : "if only the " + thing + " were " + adjective(1);
    };
  }

  /** Something that does not count, with a word of either sign. */
  private String aside() {
    int sign = chance(50) ? 1 : -1;
    return switch (random.nextInt(6)) {
      case 0 -> "the weather was " + adjective(sign) + " that day";
      case 1 -> "we had read a " + adjective(sign) + " article about another place";
      case 2 -> "it had been a " + adjective(sign) + " week at work";
      case 3 -> "the " + pick(Words.THINGS).first() + " next door looked " + adjective(sign);
      case 4 -> pick(Words.PEOPLE) + " wore a " + adjective(sign) + " hat";
      default ->
          pick(Words.PEOPLE)
              + ", who always "
              + pick(Words.FEELS.of(sign)).second()
              + " "
              + pick(Words.THINGS).second()
              + ", came along";
    };
  }

  // Clauses.

  private String clause(int sign) {
    return chance(18) ? felt(sign) : claim(sign);
  }

  /** A clause that anybody could say. */
  private String claim(int sign) {
    return chance(27) ? quantified(sign) : about(sign);
  }

  /** Subject and predicate. */
  private String about(int sign) {
    Forms thing = pick(Words.THINGS);
    boolean many = chance(35);
    String subject = chance(80) ? "the " : many ? "these " : "this ";
    subject += many ? thing.second() : thing.first();
    if (chance(6)) {
      subject += ", which looked " + adjective(-sign) + " at first,";
    }
    return subject + " " + predicate(sign, many);
  }

  /** Quantifiers that keep the predicate's sense or turn it round. */
  private String quantified(int sign) {
    String things = pick(Words.THINGS).second() + " ";
    if (chance(80)) {
      return pick("most of the ", "all of the ", "nearly all of the ", "more and more of the ")
          + things
          + predicate(sign, true);
    }
    return chance(50)
        ? pick("few of the ", "hardly any of the ") + things + flat(-sign, true)
        : pick("none of the ", "not one of the ") + things + flat(-sign, false);
  }

  /** The speaker and a feeling. */
  private String felt(int sign) {
    String thing = pick(" the ", " this ", " that ") + pick(Words.THINGS).first();
    return switch (weighted(68, 12, 8, 6, 4, 2)) {
      case 0 -> "i " + pick(Words.FEELS.of(sign)).second() + thing;
      case 1 -> "it is easy to " + pick(Words.FEELS.of(sign)).first() + thing;
      case 2 -> "i did not " + pick(Words.FEELS.of(-sign)).first() + thing;
      case 3 -> "nobody could " + pick(Words.FEELS.of(-sign)).first() + thing;
      case 4 -> "it is hard to " + pick(Words.FEELS.of(-sign)).first() + thing;
      default -> "there was no reason not to " + pick(Words.FEELS.of(sign)).first() + thing;
    };
  }

  // Predicates.

  private String predicate(int sign, boolean many) {
    return switch (weighted(82, 17, 1)) {
      case 0 -> flat(sign, many);
      case 1 -> turned(sign, many);
      default -> turnedTwice(sign, many);
    };
  }

  /** A predicate that says what its words say. */
  private String flat(int sign, boolean many) {
    return switch (weighted(50, 20, 15, 15)) {
      case 0 -> be(many) + (chance(40) ? pick(Words.FIRMLY) + " " : "") + adjectives(sign);
      case 1 -> moves(sign, many) + " " + pick(Words.GUESTS);
      case 2 -> be(many) + "full of " + pick(Words.QUALITIES.of(sign));
      default -> (many ? "have" : "has") + " plenty of " + pick(Words.QUALITIES.of(sign));
    };
  }

  /** A predicate that says the opposite of its words. */
  private String turned(int sign, boolean many) {
    return switch (weighted(45, 25, 30)) {
      case 0 ->
          be(many)
              + pick("not ", "never ", "hardly ", "far from ", "anything but ", "by no means ")
              + adjective(-sign);
      case 1 ->
          pick(
                  many ? "lack " : "lacks ",
                  many ? "have no " : "has no ",
                  be(many) + "free of ",
                  be(many) + "short of ",
                  be(many) + "without ")
              + pick(Words.QUALITIES.of(-sign));
      default ->
          pick(
                  many ? "fail to " : "fails to ",
                  many ? "do not " : "does not ",
                  many ? "never manage to " : "never manages to ",
                  "could not ",
                  many ? "refuse to " : "refuses to ")
              + pick(Words.MOVES.of(-sign)).first()
              + " "
              + pick(Words.GUESTS);
    };
  }

  /** A predicate whose words are turned round twice. */
  private String turnedTwice(int sign, boolean many) {
    String doNot = many ? "do not " : "does not ";
    return switch (random.nextInt(4)) {
      case 0 ->
          (many ? "never fail to " : "never fails to ")
              + pick(Words.MOVES.of(sign)).first()
              + " "
              + pick(Words.GUESTS);
      case 1 -> doNot + "lack " + pick(Words.QUALITIES.of(sign));
      case 2 -> doNot + "stop being " + adjective(sign);
      default ->
          be(many)
              + pick("not ", "hardly ", "never ")
              + pick("short of ", "without ", "free of ")
              + pick(Words.QUALITIES.of(sign));
    };
  }

  private String be(boolean many) {
    boolean past = chance(30);
    return many ? past ? "were " : "are " : past ? "was " : "is ";
  }

  private String adjectives(int sign) {
    String first = adjective(sign);
    if (chance(50)) {
      return first;
    }
    return first + (chance(40) ? ", " + adjective(sign) : "") + " and " + adjective(sign);
  }

  private String adjective(int sign) {
    return pick(Words.ADJECTIVES.of(sign));
  }

  private String moves(int sign, boolean many) {
    Forms verb = pick(Words.MOVES.of(sign));
    return many ? verb.first() : verb.second();
  }

  // Chance.

  private boolean chance(int percent) {
    return random.nextInt(100) < percent;
  }

  private String pick(String... options) {
    return pick(List.of(options));
  }

  private <T> T pick(List<T> options) {
    return options.get((int) (options.size() * Math.pow(random.nextDouble(), SLOPE)));
  }

  /** The number of a case, as often as its weight. */
  private int weighted(int... weights) {
    int sum = 0;
    for (int weight : weights) {
      sum += weight;
    }
    int at = random.nextInt(sum);
    int i = 0;
    while (at >= weights[i]) {
      at -= weights[i++];
    }
    return i;
  }
}
