"""What a protocol has to say: which answers it takes, what they give, and whether raters can be shown it here."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar, Generic, Literal, NamedTuple, TypeVar

from annotations.errors import AnswerError, InputError
from annotations.protocols.criteria import BUILT_IN, Criterion
from annotations.protocols.labels import Label, translated
from annotations.protocols.labels import translatable as _
from annotations.protocols.lessons import Lessons
from texts.stories import story_lines

Level = Literal["nominal", "ordinal", "interval"]
Numbers = Mapping[str, Mapping[str, float]]  # by criterion and by the candidate's primary key, written as a string
Chosen = Mapping[str, str]  # by criterion the chosen candidate's primary key, written as a string, or `TIE`
System = TypeVar("System")
Stored = TypeVar("Stored")  # an answer as it is stored: candidates by primary key instead of their random id
TIE = "tie"
NO_TEXTS: Mapping[Any, str] = MappingProxyType({})
MAX_CATEGORIES = 20
SEEMS_EQUAL = 0.3  # standard deviations within which a simulated rater calls texts equal


class Rules(NamedTuple):
    """What a campaign chose for its protocol: its own scale, or none; whether texts may be called equal; its own
    categories of errors, or none."""

    scale: Sequence[float] = ()
    ties: bool = True
    categories: Sequence[str] = ()


class Instrument(NamedTuple):
    """How it asks, in the words of the Human Evaluation Datasheet; `relative`: what it compares a text with, where a
    screen shows several."""

    presented: str
    response: str
    relative: str = "Relative: a screen shows texts of several systems."


class Allowed(NamedTuple):
    """How many answers there are, and which."""

    number: str
    values: str


class Field(NamedTuple):
    """A field of the rating page's form."""

    id: str
    name: str
    label: Label
    value: str


class ShownText(NamedTuple):
    letter: str
    text: str
    fields: Sequence[Field] = ()

    @property
    def sentences(self) -> list[str]:
        """Of a story that is shown photo by photo; else nothing."""
        lines = story_lines(self.text)
        return lines if len(lines) > 1 else []


class Example(NamedTuple):
    """A short text that lies at an end of a scale, and what that end is called."""

    end: str
    text: str


class Asked(NamedTuple):
    """A criterion as raters read of it before the first screen, and in the help; `ends` as the page labels them, the
    low one first, or none."""

    title: str
    question: str
    ends: Sequence[str]
    examples: Sequence[Example]


class MarkedError(NamedTuple):
    """An error that a rater marked in a text, in code points: from `start` up to, and without, `end`."""

    start: int
    end: int
    category: str
    severity: str
    weight: float  # of the severity


MarkedErrors = Mapping[str, Mapping[str, Sequence[MarkedError]]]  # by criterion and candidate, as `Numbers`


class Protocol(ABC, Generic[Stored]):
    """How an item is answered, of which each protocol is a folder: this class, and where raters are shown it here
    `answer.html`, `answered.html`, `help.html`, `field.js` and `field.css` (see `templates/` and `static/` there).

    `measure` names what is computed from its answers and how reports say it (`reports.measures`), `level` says how far
    its numbers can be trusted, and `scale` is what they run over where a campaign has no scale of its own. Without
    `shown_here` raters cannot be shown it: its answers come from studies run elsewhere."""

    name: ClassVar[str]
    noun: ClassVar[str]  # what its answers are called
    measure: ClassVar[str]
    level: ClassVar[Level]
    scale: ClassVar[tuple[float, float]]
    instrument: ClassVar[Instrument]
    asked: ClassVar[str]  # what raters were asked for, in a report's sentence; `low` and `high` are the scale's ends
    number: ClassVar[type[int] | type[float]] = float  # what its scores are stored as
    shown_here: ClassVar[bool] = False
    may_tie: ClassVar[bool] = False  # whether a campaign can choose that no texts may be called equal
    least_texts: ClassVar[int] = 1  # that differ: an item with fewer makes no screen
    most_texts: ClassVar[int] = 0  # that a campaign can choose to show on a screen; 0: those of all its systems
    usual_texts: ClassVar[int] = 0  # on a screen of a campaign that does not choose; 0: those of all its systems
    one_criterion: ClassVar[bool] = False  # whether a campaign can have no more than one
    categories: ClassVar[tuple[str, ...]] = ()  # of errors, where a campaign has none of its own; none: no choice
    severities: ClassVar[Mapping[str, float]] = MappingProxyType({})  # of errors, with their weights
    most_points: ClassVar[int] = 0  # that a campaign can choose its scale to have; 0: it has no choice
    heading: ClassVar[str] = _("Read and judge short texts")  # of the page that welcomes raters
    own_question: ClassVar[bool] = False  # whether it asks one of its own, whatever the criterion
    labelled_ends: ClassVar[bool] = False  # whether its page shows what a criterion calls the ends of its scale
    may_answer_alike: ClassVar[bool] = False  # whether all texts of a screen can be given the same number
    attention: ClassVar[str] = (  # stands in the place of a text, and asks for the worst answer to itself
        "This is no text but a check that you are reading: please give it the worst answer on this screen."
    )
    as_before: ClassVar[float] = 0.25  # of the scale: how far apart the scores of the same screen may be on average
    not_as_before: ClassVar[str] = "scores that are on average more than a quarter of the scale apart"
    found_bad_below: ClassVar[float | None] = None  # of `goodness`, of a text shown alone; none: it says it of no text
    # What a plan takes answers to vary by where there is no pilot, in shares of the scale's width: see `assumes`.
    varies: ClassVar[Mapping[str, float]]
    usual_seconds: ClassVar[float] = 30.0  # that a plan takes a screen to need
    missing: ClassVar[str] = ""  # what the button says while something is not answered
    told: ClassVar[str] = ""  # what raters read first and in the help, whatever a campaign's instructions say

    @abstractmethod
    def read(
        self,
        answers: object,
        *,
        criteria: Sequence[str],
        candidates: Mapping[str, int],
        rules: Rules,
        texts: Mapping[int, str] = NO_TEXTS,
    ) -> Stored:
        """What a rater sent, checked, as it is stored. `candidates` maps random ids to primary keys, and `texts` these
        to what they say, read once a protocol asks for it. Raises AnswerError with the place of what is wrong."""

    def apart(self, read: Stored) -> tuple[Stored, Mapping[int, str]]:
        """What was read without what the rater typed; and that, by the candidate's primary key: it is stored apart,
        since it is blanked where the rater is erased."""
        return read, {}

    def together(self, stored: Stored, rewrites: Mapping[int, str]) -> Stored:
        """What `apart` took apart."""
        return stored

    @abstractmethod
    def fields(self, stored: Stored, *, names: Mapping[int, str]) -> dict[str, str]:
        """A stored answer as the page's fields hold it; `names` are the candidates' random ids by primary key."""

    def scores(self, stored: Stored) -> Numbers:
        """The numbers of a stored answer."""
        return {}

    def choices(self, stored: Stored) -> Chosen:
        """What a stored answer prefers."""
        return {}

    def sureness(self, stored: Stored) -> Numbers:
        """How sure a stored answer is that a text is a person's: the higher the surer."""
        return {}

    def edits(self, stored: Stored) -> Mapping[str, Mapping[str, Any]]:
        """How a stored answer changed the texts, by criterion and candidate: see the protocol `edit`."""
        return {}

    def errors(self, stored: Stored) -> MarkedErrors:
        """The errors that a stored answer marks; a text without any has an empty list."""
        return {}

    def goodness(self, stored: Stored) -> Numbers:
        """How good a stored answer finds the texts: numbers, of which more is better."""
        return self.scores(stored)

    @abstractmethod
    def lessons(self, stored: Stored, shown: Sequence[str]) -> Lessons:
        """What a stored answer teaches a model, with what the rater typed (see `together`) as far as it is there.
        `shown` are the screen's candidates by their primary keys as strings."""

    def check_degraded(self, texts: int) -> None:
        """Raises InputError where a degraded text cannot be told from others on a screen of so many texts."""
        if texts == 1 and self.found_bad_below is None:
            raise InputError(
                "quality.degraded",
                f"the protocol '{self.name}' shows one text a screen here, which has no original beside it",
                "texts_per_screen = 2",
            )

    def check_example(self, texts: int, most: int) -> None:
        """Raises InputError where no screen shows so many texts; `most` are those of any example."""
        least, most = self.least_texts, self.most_texts or most
        if not least <= texts <= most:
            some = f"from {least} to {most}" if most > least else str(most)
            raise InputError("example.texts", f"{texts} must be {some}", f"the protocol is '{self.name}'")

    def check_same_answers(self, texts: int) -> None:
        """Raises InputError where all texts of a screen of so many cannot be given the same answer."""
        if texts == 1 or not self.may_answer_alike:
            why = "a screen shows one text" if texts == 1 else f"the protocol '{self.name}' tells texts apart"
            raise InputError("quality.same_answers", "no answers can be the same for all texts", why)

    def finds_worse(self, stored: Stored, degraded: str, original: str | None, criteria: Collection[str]) -> bool:
        """Whether an answer, over the criteria together, judges a degraded text worse than its original, both by their
        primary keys as strings; or, where it is shown alone, finds it bad."""
        numbers = [scores for criterion, scores in self.goodness(stored).items() if criterion in criteria]
        chosen = [choice for criterion, choice in self.choices(stored).items() if criterion in criteria]
        if original is None:
            return bool(numbers) and all(each[degraded] < (self.found_bad_below or 0) for each in numbers)
        if chosen:
            return chosen.count(original) > chosen.count(degraded)
        return bool(numbers) and sum(each[original] - each[degraded] for each in numbers) > 0

    def gives_the_same(self, stored: Stored) -> bool:
        """Whether an answer gives all texts of a screen the same number by every criterion."""
        given = [list(scores.values()) for scores in self.goodness(stored).values()]
        return any(len(numbers) > 1 for numbers in given) and all(len(set(numbers)) == 1 for numbers in given)

    def asks_for_attention(self, own: str) -> str:
        """The text of an attention item: a campaign's own, if it has one."""
        return own or self.attention

    def agrees(self, first: Stored, later: Stored, twins: Mapping[str, str], rules: Rules) -> bool:
        """Whether an answer to a screen that came again is the first one, as far as can be expected; `twins` are the
        candidates of the first screen by those of the later one, all by their primary keys as strings."""
        if chosen := self.choices(first):
            again = {name: twins.get(choice, choice) for name, choice in self.choices(later).items()}
            return 2 * sum(again.get(criterion) == choice for criterion, choice in chosen.items()) >= len(chosen)
        low, high = self.ends(rules.scale)
        before, after = self.scores(first), self.scores(later)
        apart = [
            abs(number - before[criterion][twins[pk]])
            for criterion, numbers in after.items()
            for pk, number in numbers.items()
            if twins[pk] in before.get(criterion, {})
        ]
        return sum(apart) <= len(apart) * self.as_before * (high - low)

    @abstractmethod
    def simulated(
        self, perceived: Mapping[str, Mapping[str, float]], *, rules: Rules, texts: Mapping[str, str] = NO_TEXTS
    ) -> Mapping[str, object]:
        """What `read` takes, of a simulated rater: `perceived` is how good each text seems, by criterion and by random
        id in the order of the screen, in standard deviations around the middle of a scale; `texts` is what they say."""

    def question(self, label: Label) -> str:
        """What raters are asked by a criterion."""
        return label.question

    def asks(self, criteria: Iterable[Criterion]) -> list[Asked]:
        """What raters read of the criteria besides the screens."""
        return [
            Asked(
                label.title,
                self.question(label),
                (label.low, label.high) if self.labelled_ends else (),
                [
                    Example(end, text)
                    for end, text in ((label.high, label.example_high), (label.low, label.example_low))
                    if text
                ],
            )
            for label in (criterion.label for criterion in criteria)
        ]

    @property
    def page(self) -> dict[str, str]:
        """Its parts of the rating page."""
        return {
            "answer_template": f"{self.name}/answer.html",
            "answered_template": f"{self.name}/answered.html",
            "help_template": f"{self.name}/help.html",
            "field_script": f"{self.name}/field.js",
            "field_style": f"{self.name}/field.css",
            "heading": translated(self.heading),
            "missing": translated(self.missing),
            "told": translated(self.told) if self.told else "",
        }

    def screen(
        self, texts: Sequence[tuple[str, str]], draft: Mapping[str, str], *, criteria: Sequence[Criterion], rules: Rules
    ) -> dict[str, object]:
        """What its part of a screen needs: `texts` by their random ids in the order of the places, and what was set.

        The part is rendered once for texts with as many lines, and filled in for others: it shows them as they are.
        """
        return {}

    def answered(
        self,
        texts: Sequence[tuple[str, str]],
        fields: Mapping[str, str],
        *,
        criteria: Sequence[Criterion],
        rules: Rules,
    ) -> dict[str, object]:
        """What `answered.html` needs as `screen`, where a rater reads an answer of theirs again: see `screen`. What was
        not answered has no field."""
        return self.screen(texts, fields, criteria=criteria, rules=rules)

    def answers(self, fields: Mapping[str, str]) -> Mapping[str, object]:
        """What `read` takes, of the fields of the page's form that are filled; their names hold a colon."""
        return {}

    def texts_shown(self, chosen: int | None, systems: int) -> int:
        """How many texts a screen shows, 0 being those of all the campaign's systems."""
        count = chosen or self.usual_texts
        return count if count < systems else 0

    def shown_always(self, people: Sequence[System]) -> Sequence[System]:
        """The systems of whose texts every screen shows one, where it shows a part of an item's; `people` are those
        who are people."""
        return ()

    def sources_needed(self, items: int, there: int) -> int:
        """How many of the sources there are to draw for so many items: all, where those without as many different texts
        as a screen needs are passed over."""
        return there if self.least_texts > 1 else items

    @abstractmethod
    def allowed(self, rules: Rules) -> Allowed:
        """Which answers raters can give."""

    def question_in_full(self, label: Label) -> str:
        """What raters read by a criterion, as a datasheet gives it."""
        question = self.question(label)
        return f"“{question}”" if question else f"No question: the name “{label.title}”"

    def asked_for(self, rules: Rules) -> str:
        low, high = self.ends(rules.scale)
        return self.asked.format(low=low, high=high)

    def compares(self, systems: int, texts: int) -> str:
        """Whether texts are judged against others, in the words of the Human Evaluation Datasheet; `texts` are those on
        a screen, 0 being all systems'."""
        return self.instrument.relative if (texts or systems) > 1 else "Absolute: a screen shows one text."

    def categories_of(self, rules: Rules) -> Sequence[str]:
        """The categories of errors, in their order; none where raters mark none."""
        return rules.categories or self.categories

    def scale_of_points(self, points: int | None) -> list[float]:
        """A campaign's own scale with so many points; empty for the protocol's own."""
        return [1.0, float(points)] if points else []

    def ends(self, scale: Sequence[float]) -> tuple[float, float]:
        """The lowest and the highest score of a campaign with that scale, which is empty for the protocol's own."""
        low, high = scale or self.scale
        return float(low), float(high)

    def widest_margin(self, points: int | None = None) -> tuple[float, str]:
        """What an equivalence margin has to stay below, and what that is."""
        low, high = self.ends(self.scale_of_points(points))
        return high - low, f"the width of the scale from {low:g} to {high:g}"

    def assumes(self, points: int | None = None) -> dict[str, float]:
        """What a plan takes for granted of answers, in their own unit: standard deviations of a difference between two
        systems (`item_sd`, `rater_sd`, `residual_sd`) and of raters' severity (`severity_sd`), and the share of `ties`.
        They are about those of simulated raters (see `simulated`), who are honest, and differ somewhat in what they
        like."""
        low, high = self.ends(self.scale_of_points(points))
        return {name: (high - low) * value for name, value in self.varies.items()}

    def takes_scores(self, *, whole: bool, width: float) -> bool:
        """Whether scores on such a scale, collected elsewhere, can be its answers."""
        return False

    def takes_choices(self) -> bool:
        """Whether choices between two texts, collected elsewhere, can be its answers."""
        return False

    def options(self, *, ties: bool) -> dict[str, object]:
        """What a campaign file says of how the page's form was filled."""
        return {"ties": False} if self.may_tie and not ties else {}

    def check_words(self, criterion: str, parts: Collection[str], language: str = "") -> None:
        """Raises InputError where a campaign words what raters would not read, or lacks the question of a criterion of
        its own. `parts` are those of the criterion's label that it has words for, in the language if there is one."""
        place = ".".join(["criterion", criterion, *([language] if language else [])])
        unread = [part for part in parts if part not in ("title", "example_low", "example_high")]
        if self.own_question and unread:
            own = f"the protocol '{self.name}' asks a question of its own"
            raise InputError(f"{place}.{unread[0]}", "raters would not read it", own)
        if not (self.own_question or language or "question" in parts or criterion in BUILT_IN):
            raise InputError(f"{place}.question", "missing", "write what raters are asked")

    def check_campaign(
        self,
        *,
        points: int | None,
        ties: bool | None,
        texts: int | None,
        categories: Sequence[str],
        systems: Sequence[str],
        criteria: Sequence[str],
        purpose: str,
    ) -> None:
        """Raises InputError for what a campaign cannot choose for this protocol."""
        if len(systems) < self.least_texts:
            named = f"'{systems[0]}' alone" if len(systems) == 1 else f"{len(systems)} systems"
            raise InputError("systems", named, f"the protocol '{self.name}' needs at least {self.least_texts}")
        most_texts = min(self.most_texts or len(systems), len(systems))
        if texts is not None and not self.least_texts <= texts <= most_texts:
            some = f"from {self.least_texts} to {most_texts}" if most_texts > self.least_texts else str(most_texts)
            about = f"the protocol is '{self.name}', with {len(systems)} systems"
            raise InputError("texts_per_screen", f"{texts} must be {some}", about)
        if self.one_criterion and len(criteria) > 1:
            one = f"the protocol '{self.name}' asks a single question"
            raise InputError("criteria", f"{len(criteria)} are too many: there must be one", one)
        if points is not None and not 2 <= points <= self.most_points:
            most = self.most_points
            allowed = f"from 2 to {most}" if most else f"left out: the protocol '{self.name}' has a scale of its own"
            raise InputError("points", f"{points} must be {allowed}")
        if ties is not None and not self.may_tie:
            raise InputError(
                "ties", "is for choices between two texts and for rankings", f"the protocol '{self.name}' has none"
            )
        if categories and not self.categories:
            raise InputError("categories", "are of marked errors", f"the protocol '{self.name}' has none")
        if len(categories) > MAX_CATEGORIES:
            raise InputError("categories", f"{len(categories)} are too many", f"at most {MAX_CATEGORIES}")


AnyProtocol = Protocol[Any]


def letter(place: int) -> str:
    return chr(ord("A") + place)


def check_keys(given: object, wanted: Iterable[str], place: str, what: str) -> dict[str, object]:
    """The object, if it has exactly the wanted keys; in their order."""
    names = ", ".join(wanted := list(wanted))
    if not isinstance(given, dict):
        raise AnswerError(place, f"must be an object with the {what} {names}", code="value")
    if missing := [key for key in wanted if key not in given]:
        raise AnswerError(f"{place}.{missing[0]}", "not answered", f"the {what} are {names}", code="missing")
    if unknown := [key for key in given if key not in wanted]:
        raise AnswerError(f"{place}.{unknown[0]}", f"is not one of the {what}, which are {names}", code="value")
    return {key: given[key] for key in wanted}
