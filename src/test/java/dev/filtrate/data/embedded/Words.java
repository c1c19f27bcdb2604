package dev.filtrate.data.embedded;

import java.util.Arrays;
import java.util.List;

/**
 * The words of the reviews; the earlier in its list, the more often a word is drawn. Where a list
 * has two signs, {@code of(+1)} holds the favourable words.
 */
final class Words {
  private Words() {}

  /** A word with its second form: a noun's plural, or a verb's other person or tense. */
  record Forms(String first, String second) {}

  /** Two lists of opposite meaning. */
  record Signed<T>(List<T> positive, List<T> negative) {
    List<T> of(int sign) {
      return sign > 0 ? positive : negative;
    }
  }

  static final Signed<String> ADJECTIVES =
      new Signed<>(
          words(
              """
              good great charming lovely wonderful brilliant excellent delightful superb pleasant nice
              splendid perfect witty warm clever fresh elegant vivid generous graceful crisp sharp
              polished inventive gripping touching sincere lively bright comfortable reliable
              thoughtful memorable rich smooth tender joyful refined stunning terrific fabulous
              flawless heartfelt enchanting radiant exquisite delicious masterful admirable refreshing
              rewarding satisfying captivating impeccable sublime dazzling marvellous likeable inspired
              magnificent luminous seamless handsome
              """),
          words(
              """
              bad dull boring awful terrible poor dreadful bland clumsy tedious weak silly stale messy
              lazy shallow crude noisy rude cramped tiresome filthy greasy soggy lifeless hollow sloppy
              flimsy confusing annoying irritating disappointing forgettable predictable grim gloomy
              harsh shoddy stiff awkward careless pointless mediocre unpleasant ugly cheap broken
              faulty painful miserable appalling dismal wretched insipid dreary tasteless horrid
              atrocious lousy abysmal wooden unbearable hopeless ghastly
              """));

  static final Signed<String> QUALITIES =
      new Signed<>(
          words(
              """
              charm style energy wit warmth humour grace flair care skill imagination heart comfort
              polish elegance flavour depth passion beauty magic
              """),
          words(
              """
              faults problems mistakes noise flaws errors dirt delays confusion waste boredom trouble
              nonsense gaps defects gloom grease rust cracks clutter
              """));

  /** Verbs that take the guest as their object: plain form, third person. */
  static final Signed<Forms> MOVES =
      new Signed<>(
          forms(
              """
              impress/impresses delight/delights please/pleases amuse/amuses charm/charms
              satisfy/satisfies inspire/inspires thrill/thrills enchant/enchants cheer/cheers
              captivate/captivates reward/rewards
              """),
          forms(
              """
              bore/bores annoy/annoys disappoint/disappoints tire/tires irritate/irritates
              confuse/confuses upset/upsets frustrate/frustrates depress/depresses offend/offends
              exhaust/exhausts insult/insults
              """));

  /** Verbs whose subject is the guest: plain form, past. */
  static final Signed<Forms> FEELS =
      new Signed<>(
          forms(
              """
              love/loved enjoy/enjoyed like/liked adore/adored admire/admired praise/praised
              recommend/recommended treasure/treasured applaud/applauded
              """),
          forms(
              """
              hate/hated regret/regretted dislike/disliked loathe/loathed resent/resented
              curse/cursed despise/despised mock/mocked condemn/condemned
              """));

  static final Signed<String> COMPARATIVES =
      new Signed<>(
          words("better finer nicer warmer smarter livelier brighter kinder"),
          words("worse duller poorer weaker uglier sillier noisier lazier"));

  /** What is judged: one, many. */
  static final List<Forms> THINGS =
      forms(
          """
          film/films food/foods movie/movies book/books room/rooms story/stories waiter/waiters
          plot/plots scene/scenes song/songs actor/actors phone/phones hotel/hotels soup/soups
          dialogue/dialogues ending/endings script/scripts villain/villains opening/openings
          joke/jokes chapter/chapters narrator/narrators cover/covers picture/pictures
          costume/costumes salad/salads dessert/desserts menu/menus wine/wines sauce/sauces
          kitchen/kitchens breakfast/breakfasts coffee/coffees pie/pies table/tables bed/beds
          view/views lobby/lobbies pool/pools shower/showers pillow/pillows balcony/balconies
          garden/gardens corridor/corridors receptionist/receptionists towel/towels
          battery/batteries screen/screens keyboard/keyboards speaker/speakers camera/cameras
          manual/manuals charger/chargers button/buttons update/updates handle/handles lens/lenses
          cable/cables guide/guides bus/buses route/routes museum/museums boat/boats ticket/tickets
          tour/tours beach/beaches market/markets driver/drivers seat/seats lesson/lessons
          teacher/teachers exercise/exercises jacket/jackets shoe/shoes sleeve/sleeves fabric/fabrics
          colour/colours design/designs toy/toys puzzle/puzzles game/games level/levels map/maps
          concert/concerts singer/singers drummer/drummers stage/stages chorus/choruses
          painting/paintings sculpture/sculptures
          """);

  static final List<String> PEOPLE =
      List.of(
          "my brother",
          "a friend",
          "my sister",
          "my neighbour",
          "the critic",
          "our host",
          "my uncle",
          "a colleague",
          "the clerk",
          "my aunt",
          "a stranger",
          "the owner");

  static final List<String> GUESTS =
      List.of(
          "everyone",
          "us",
          "me",
          "the guests",
          "the children",
          "my parents",
          "the whole family",
          "the crowd",
          "our group",
          "most visitors");

  static final List<String> FIRMLY =
      List.of("very", "really", "truly", "so", "quite", "simply", "utterly", "rather", "deeply");

  private static List<String> words(String text) {
    return List.of(text.strip().split("\\s+"));
  }

  private static List<Forms> forms(String text) {
    return Arrays.stream(text.strip().split("\\s+"))
        .map(w -> new Forms(w.substring(0, w.indexOf('/')), w.substring(w.indexOf('/') + 1)))
        .toList();
  }
}
