"""A row a choice between two systems; rankings and best-worst rows, from which such choices are made."""

from itertools import combinations

from annotations.campaigns.readers.columns import Plan, Record, Variant
from annotations.campaigns.readers.content import Given, Place, RatedScreen, RatingContent
from annotations.campaigns.readers.options import RatingOptions
from annotations.campaigns.readers.shapes import Shape, later, shortened
from annotations.corpora.readers.content import ImportFileError, shown
from annotations.corpora.readers.tables.defects import Defects, RowDefectError
from annotations.corpora.readers.tables.values import Cell, name_list, number_of
from annotations.protocols import TIE, protocol_of_choices
from texts.limits import MAX_CHOICES

TIE_WORDS = (TIE, "same", "equal", "both", "neither")
TIES = frozenset(
    {*TIE_WORDS, "draw", "tied", "similar", "equally good", "equally bad", "both good", "both bad", "no preference"}
    | {"tie (bothbad)"}
)
ONE_WORDS = frozenset({"a", "1", "left", "first", "model_a", "system_a", "model a", "system a", "option a"})
OTHER_WORDS = frozenset({"b", "2", "right", "second", "model_b", "system_b", "model b", "system b", "option b"})
RESULT = ("winner", "loser")
Unit = tuple[Place, str, str]  # of what, by whom, by which criterion


class PairShape(Shape):
    """What choices between two systems have in common, wherever they come from."""

    def __init__(self, plan: Plan, options: RatingOptions, defects: Defects) -> None:
        super().__init__(plan, options, defects)
        if options.scale:
            raise ImportFileError(plan.table.file, "", "scale: choices between two systems have none")
        self.pairs: dict[Place, tuple[str, str]] = {}
        self.items: dict[Place, str] = {}

    def system(self, value: Cell, role: str, variant: Variant) -> str:
        name = self.name(self.systems, value, role, variant)
        if name.lower() in TIE_WORDS:
            raise RowDefectError(f"system={shown(name)}: in a file of choices this word means a tie; use another name")
        return name

    def pair_place(self, shown_of: Place, one: str, other: str) -> Place:
        """Where the pair of the item was shown, called by the order in which it was met first."""
        album, item = shown_of
        photo, turned = (shortened(f"{item}|{first}|{second}") for first, second in ((one, other), (other, one)))
        if (album, turned) in self.pairs:
            return album, turned
        if (album, photo) not in self.pairs:
            self.pairs[album, photo], self.items[album, photo] = (one, other), item
        return album, photo

    def add(self, shown_of: Place, rater: str, criterion: str, pair: tuple[str, str], given: Given) -> None:
        """Keep a choice: the rater's first between the two by the criterion, or else a repeat of it."""
        one, other = pair
        place = self.pair_place(shown_of, one, other)
        repeat = 0
        while True:
            screen = self.screen(place, rater, given.at, repeat)
            before = screen.choices.get(criterion)
            if before is None:
                break
            if later(before.at, given.at):
                if screen.systems != [one, other] and len(screen.choices) > 1:
                    raise self.turned(screen, shown_of[1], rater, one, other)
                screen.choices[criterion], given = given, before
                screen.systems, (one, other) = [one, other], screen.systems
            repeat += 1
        if screen.systems and screen.systems != [one, other]:
            raise self.turned(screen, shown_of[1], rater, one, other)
        screen.systems = screen.systems or [one, other]
        screen.choices[criterion] = given
        self.answers += not repeat
        self.repeats += bool(repeat)

    def turned(self, screen: RatedScreen, item: str, rater: str, one: str, other: str) -> RowDefectError:
        first = min(each.line for each in screen.choices.values())
        return RowDefectError(
            f"rater={shown(rater)} was shown {other} before {one} of item={shown(item)} on {self.called(first)}, but "
            "in reverse order here; a rater sees each pair in one order only"
        )

    def content(self) -> RatingContent:
        screens = [screen for screen in self.all_screens() if screen.systems]
        rated = {screen.place for screen in screens}
        self.check_margin(*protocol_of_choices().widest_margin())
        return RatingContent(
            protocol=protocol_of_choices().name,
            scale=None,
            scale_found=False,
            criteria=tuple(self.criteria.origin),
            systems=tuple(self.systems.origin),
            texts={place: dict.fromkeys(pair, "") for place, pair in self.pairs.items() if place in rated},
            items=self.items,
            screens=screens,
            answers=self.answers,
            left_aside=self.plan.left_aside(),
            facts=self.facts(),
            primary=self.primary(),
        )


class Choices(PairShape):
    form = "choices"

    def __init__(self, plan: Plan, options: RatingOptions, defects: Defects) -> None:
        super().__init__(plan, options, defects)
        said = set(plan.sources)
        self.by_winner, self.by_rank = {"winner", "loser"} <= said, {"rank_a", "rank_b"} <= said
        self.by_options = "system_a" not in said
        if self.by_winner:
            self.order_known = False

    def take(self, line: int, record: Record, variant: Variant) -> None:
        if self.by_winner:
            return self.take_winner(line, record, variant)
        if self.by_rank:
            return self.take_one(line, record, variant)
        value = record[self.value_at]
        if isinstance(value, str) and not ("|" in value or self.options.lists or value[:1] == "["):
            return self.take_one(line, record, variant)
        for each in self.one_each(record, variant):
            self.take_one(line, each, variant)

    def take_one(self, line: int, record: Record, variant: Variant) -> None:
        place = self.place(record, variant)
        rater = self.identifier(record[3], "rater", variant)
        criterion = self.name(self.criteria, record[4], "criterion", variant)
        one, other = self.shown(record, variant)
        if self.by_rank:
            chosen = self.by_ranks(record, one, other, variant)
        else:
            word = self.word(record[self.value_at])
            chosen = "" if self.is_missing(word, variant) else self.choice(word, one, other, variant)
        if chosen:
            given = Given(chosen, line, self.submitted(record, variant))
            self.add(place, rater, criterion, (one, other), given)

    def by_ranks(self, record: Record, one: str, other: str, variant: Variant) -> str:
        """The one with the better rank; equal ranks are a tie, and without both nothing was chosen."""
        ranks = []
        for role in ("rank_a", "rank_b"):
            named = variant._replace(value=variant.labels[role])
            word = self.word(record[self.at[role]])
            if self.is_missing(word, named):
                return ""
            ranks.append(number_of(word, named.value, comma=False))
        if ranks[0] == ranks[1]:
            return TIE
        return one if (ranks[0] < ranks[1]) != self.options.highest_best else other

    def shown(self, record: Record, variant: Variant) -> tuple[str, str]:
        if self.by_options:
            label, cell = variant.labels["options"], record[self.at["options"]]
            names = name_list(cell, self.options.lists)
            if len(names) != 2:
                raise RowDefectError(f"{label}={shown(cell)} must name the two systems that were shown")
            one, other = (self.system(name, "options", variant) for name in names)
            labels = label, label
        else:
            one, other = self.system(record[1], "system_a", variant), self.system(record[2], "system_b", variant)
            labels = variant.labels["system_a"], variant.labels["system_b"]
        if one == other:
            raise RowDefectError(
                f"{labels[0]}={shown(one)} and {labels[1]}={shown(other)} must be two different systems"
            )
        return one, other

    def choice(self, word: str, one: str, other: str, variant: Variant) -> str:
        """The chosen system, by its name or by its side, or a tie."""
        known = self.systems.known.get(word, word)
        if known in (one, other):
            return known
        plain = word.casefold()
        if plain in TIES:
            return TIE
        if plain in ONE_WORDS:
            return one
        if plain in OTHER_WORDS:
            return other
        raise RowDefectError(
            f"{variant.value}={shown(word)} must be '{one}', '{other}' or, for a tie, one of {', '.join(TIE_WORDS)}; "
            "or a side, such as A or B, 1 or 2, left or right; give the meaning of a word with --value "
            f'"{word[:30]}=A"'
        )

    def take_winner(self, line: int, record: Record, variant: Variant) -> None:
        """Two columns that name who won and who lost; where both are blank, nothing was chosen."""
        cells = [self.word(record[self.at[role]]) for role in RESULT]
        place = self.place(record, variant)
        rater = self.identifier(record[3], "rater", variant)
        criterion = self.name(self.criteria, record[4], "criterion", variant)
        if any(self.is_missing(cell, variant._replace(value=variant.labels["winner"])) for cell in cells[:1]):
            return
        winner, loser = (
            self.system(cell, role, variant) for cell, role in zip(cells, ("winner", "loser"), strict=True)
        )
        if winner == loser:
            raise RowDefectError(f"winner={shown(winner)} and loser={shown(loser)} must be two different systems")
        given = Given(winner, line, self.submitted(record, variant))
        self.add(place, rater, criterion, in_order(self, winner, loser), given)


def in_order(shape: PairShape, one: str, other: str) -> tuple[str, str]:
    """Two systems in the order in which the table has them first: what the order on the screen was is not known."""
    places = list(shape.systems.origin)
    return (one, other) if places.index(one) < places.index(other) else (other, one)


class Ranks(PairShape):
    """A row a system's rank among those of its item: choices between every two, equal ranks being ties."""

    form = "ranks"
    order_known = False

    def __init__(self, plan: Plan, options: RatingOptions, defects: Defects) -> None:
        super().__init__(plan, options, defects)
        self.ranked: dict[Unit, list[dict[str, Given]]] = {}

    def take(self, line: int, record: Record, variant: Variant) -> None:
        place = self.place(record, variant)
        rater = self.identifier(record[2], "rater", variant)
        system = self.system(record[1], "system", variant)
        criterion = self.name(self.criteria, record[3], "criterion", variant)
        word = self.word(record[4])
        if self.is_missing(word, variant):
            return
        rank = number_of(word, variant.value, comma=False)
        given = Given(-rank if self.options.highest_best else rank, line, self.submitted(record, variant))
        for ranks in self.ranked.setdefault((place, rater, criterion), []):
            if system not in ranks:
                ranks[system] = given
                return
        self.ranked[place, rater, criterion].append({system: given})

    def anything(self) -> bool:
        return bool(self.ranked)

    def content(self) -> RatingContent:
        sizes = [len(ranks) for rankings in self.ranked.values() for ranks in rankings]
        choices = sum(size * (size - 1) // 2 for size in sizes)
        if choices > MAX_CHOICES:
            problem = f"its rankings amount to {choices:,} pairwise choices; the limit is {MAX_CHOICES:,}"
            raise ImportFileError(
                self.plan.table.file, "", f"{problem}; the longest ranking lists {max(sizes):,} systems"
            )
        places = {system: place for place, system in enumerate(self.systems.origin)}
        for (place, rater, criterion), rankings in self.ranked.items():
            for ranks in sorted(rankings, key=first_time):
                for one, other in combinations(ranks, 2):
                    pair = (one, other) if places[one] < places[other] else (other, one)
                    first, second = (ranks[system] for system in pair)
                    chosen = TIE if first.value == second.value else pair[float(first.value) > float(second.value)]
                    given = Given(chosen, max(first.line, second.line), first.at)
                    self.add(place, rater, criterion, pair, given)
        return super().content()


def first_time(ranks: dict[str, Given]) -> float:
    """When a ranking was given, as far as that is known; a stable sort keeps the others as they stand."""
    times = [given.at.timestamp() for given in ranks.values() if given.at]
    return min(times, default=0.0)


class Rankings(Ranks):
    """A row per list of systems, the best first; "=" between two of them says that they are equal."""

    form = "rankings"

    def take(self, line: int, record: Record, variant: Variant) -> None:
        place = self.place(record, variant)
        rater = self.identifier(record[1], "rater", variant)
        criterion = self.name(self.criteria, record[2], "criterion", variant)
        cell = record[3]
        if isinstance(cell, str) and self.is_missing(cell.strip(), variant):
            return
        when, ranks = self.submitted(record, variant), dict[str, Given]()
        for rank, equal in enumerate(name_list(cell, self.options.lists)):
            for name in equal.split("=") if "=" in equal else [equal]:
                system = self.system(name.strip(), "ranking", variant)
                if system in ranks:
                    raise RowDefectError(f"{variant.value}={shown(cell)} names {shown(name)} twice")
                ranks[system] = Given(float(-rank if self.options.highest_best else rank), line, when)
        if len(ranks) < 2:
            raise RowDefectError(f"{variant.value}={shown(cell)} must list at least two systems, the highest first")
        self.ranked.setdefault((place, rater, criterion), []).append(ranks)


class BestWorst(PairShape):
    """A row the best and the worst of what was shown: the best is chosen over every other, and every other over the
    worst; nothing is said of the others among themselves."""

    form = "best-worst"
    order_known = False

    def take(self, line: int, record: Record, variant: Variant) -> None:
        place = self.place(record, variant)
        rater = self.identifier(record[1], "rater", variant)
        criterion = self.name(self.criteria, record[2], "criterion", variant)
        best, worst = self.word(record[3]), self.word(record[4])
        if self.is_missing(best, variant) or self.is_missing(worst, variant._replace(value=variant.labels["worst"])):
            return
        label, cell = variant.labels["options"], record[self.at["options"]]
        options = [self.system(each, "options", variant) for each in name_list(cell, self.options.lists)]
        if len(set(options)) < len(options):
            raise RowDefectError(f"{label}={shown(cell)} names a system twice")
        columns = [source.column for source in self.plan.sources.get("options", ())]
        chosen = []
        for word, role in ((best, "best"), (worst, "worst")):
            chosen.append(self.chosen(word, options, columns, variant.labels[role], role, variant))
        if chosen[0] == chosen[1]:
            raise RowDefectError(f"best and worst are both {shown(chosen[0])}")
        given = self.submitted(record, variant)
        best_of, worst_of = chosen
        pairs = [(best_of, other) for other in options if other != best_of]
        pairs += [(other, worst_of) for other in options if other not in chosen]
        for winner, loser in pairs or [(best_of, worst_of)]:
            self.add(place, rater, criterion, in_order(self, winner, loser), Given(winner, line, given))

    def chosen(self, word: str, options: list[str], columns: list[str], label: str, role: str, variant: Variant) -> str:
        """One of what was shown: by its name, by the column that holds it, or by its number from 1."""
        if not options:
            return self.system(word, role, variant)
        known = self.systems.known.get(word, word)
        if known in options:
            return known
        if word in columns and len(columns) == len(options):
            return options[columns.index(word)]
        if word.isdecimal() and len(word) < 10 and 1 <= int(word) <= len(options):
            return options[int(word) - 1]
        raise RowDefectError(f"{label}={shown(word)} must be one of the systems shown: {', '.join(options)}")
