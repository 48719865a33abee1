"""What cells and rows of a study's ratings mean: choices, rankings, error spans, times, and what is wrong with them."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from annotations.campaigns.readers import preview_ratings, rating_options
from annotations.campaigns.readers.names import Names
from annotations.corpora.readers.content import ImportFileError
from annotations.errors import InputError
from tests.annotations.rating_files import choices, read, scores


@pytest.mark.parametrize(
    ("cells", "options", "chosen"),
    [
        ("a,b,a", {}, "a"), ("a,b,B", {}, "b"), ("a,b,tie", {}, "tie"), ("x.1,y,A", {}, "x.1"), ("x,y,2", {}, "y"),
        ("x,y,left", {}, "x"), ("x,y,model_b", {}, "y"), ("x,y,tie (bothbad)", {}, "tie"), ("b,a,a", {}, "a"),
        ("x,y,First one", {"values": ["first one=A"]}, "x"), ("x,y,0", {"values": ["0=A", "1=B"]}, "x"),
        ("2,1,1", {}, "1"), ("x,y,y", {}, "y"),
    ],
)  # fmt: skip
def test_a_choice_is_a_name_or_a_side(tmp_path: Path, cells: str, options: dict[str, Any], chosen: str) -> None:
    """A name goes before a side: of a pair called b and a, "a" is the second."""
    file = tmp_path / "a.csv"
    file.write_text(f"item,rater,criterion,system_a,system_b,choice\n1,r,c,{cells}\n")
    assert [given.value for screen in read(file, **options).screens for given in screen.choices.values()] == [chosen]


def test_choices_by_winner_by_ranks_and_by_what_was_shown(tmp_path: Path) -> None:
    (tmp_path / "w.csv").write_text("item,rater,won,lost\n1,r,x,y\n2,r,y,x\n3,r,x,z\n")
    won = read(tmp_path / "w.csv", columns=["winner=won", "loser=lost", "criterion==c"])
    assert choices(won) == {("r", "x", "y"): 1, ("r", "y", "x"): 1, ("r", "x", "z"): 1}
    assert not won.facts.order_known
    (tmp_path / "r.csv").write_text("item,rater,s1,r1,s2,r2\n1,r,x,1,y,3\n1,r,x,2,z,2\n1,r,y,3,z,2\n")
    roles = ["system_a=s1", "system_b=s2", "rank_a=r1", "rank_b=r2", "criterion==c"]
    assert choices(read(tmp_path / "r.csv", columns=roles)) == {
        ("r", "x", "y"): 1,
        ("tie", "x", "z"): 1,
        ("r", "z", "y"): 1,
    }
    (tmp_path / "o.csv").write_text('options,plot,style\n"x,y",x,same\n"y,x",x,y\n')
    shown = read(tmp_path / "o.csv", columns=["item=#", "rater==people"], criteria=["plot", "style"])
    assert [screen.systems for screen in shown.screens] == [["x", "y"], ["y", "x"]]
    assert choices(shown) == {("people", "x", "y"): 2, ("tie", "x", "y"): 1, ("people", "y", "x"): 1}


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("item,rater,system,rank\n1,r,x,1\n1,r,y,2\n1,r,z,2\n1,r,w,4\n", {}),
        ("item,rater,system,rank\n1,r,x,9\n1,r,y,5\n1,r,z,5\n1,r,w,0\n", {"highest_best": True}),
        ("item,rater,x,y,z,w\n1,r,1,2,2,3\n", {"systems": ["x", "y", "z", "w"], "rows": "ranks"}),
        ("item,rater,ranking\n1,r,x > y = z > w\n", {}),
        ('item,rater,ranking\n1,r,"[""x"", ""y=z"", ""w""]"\n', {}),
    ],
)
def test_a_ranking_is_choices_between_every_two(tmp_path: Path, text: str, options: dict[str, Any]) -> None:
    (tmp_path / "a.csv").write_text(text)
    content = read(tmp_path / "a.csv", columns=["criterion==c"], **options)
    wins = [("x", "y"), ("x", "z"), ("x", "w"), ("y", "w"), ("z", "w")]
    assert choices(content) == {**{("r", *pair): 1 for pair in wins}, ("tie", "y", "z"): 1}
    assert {place[0] for place in content.texts} == {"1"}  # the item is what choices are clustered by
    assert not content.facts.order_known


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('item,rater,best,worst,options\n1,r,x,w,"x,y,z,w"\n', []),
        ("item,rater,best,worst,o1,o2,o3,o4\n1,r,2,o4,y,x,z,w\n", [f"options=o{n}" for n in range(1, 5)]),
    ],
)
def test_best_and_worst_of_four_say_five_of_six_choices(tmp_path: Path, text: str, columns: list[str]) -> None:
    (tmp_path / "a.csv").write_text(text)
    content = read(tmp_path / "a.csv", columns=["criterion==c", *columns])
    pairs = [("x", "y"), ("x", "z"), ("x", "w"), ("y", "w"), ("z", "w")]
    assert choices(content) == {("r", *pair): 1 for pair in pairs}


def test_error_spans_are_summed_by_the_weights_of_mqm(tmp_path: Path) -> None:
    """By hand: 5 + 1 + 0.1, none, 25; with other weights 10 + 1 + 1; marks around a span are not of the text."""
    rows = [
        "d\t1\ta\tr\tEin <v>Text</v>\tAccuracy/Mistranslation\tMajor",
        "d\t1\ta\tr\tEin <v>T</v>ext\tFluency/Grammar\tminor",
        "d\t1\ta\tr\tEin Text<v></v>\tFluency/Punctuation\tMinor", "d\t1\tb\tr\tAnders\tNo-error\tNo-error",
        "e\t1\ta\tr\tX\tNon-translation!\tMajor", "e\t1\tb\tr\tY\tStyle/Awkward\tNeutral",
    ]  # fmt: skip
    file = tmp_path / "a.tsv"
    file.write_text("\n".join(["doc\tseg\tsystem\trater\ttarget\tcategory\tseverity", *rows]))
    columns = ["album=doc", "item=doc", "item=seg", "text=target"]
    content = read(file, columns=columns)
    assert {key[1:3]: score for key, score in scores(content).items()} == {
        ("d/1", "a"): [-6.1], ("d/1", "b"): [0], ("e/1", "a"): [-25], ("e/1", "b"): [0],
    }  # fmt: skip
    assert content.texts["d", "d/1"] == {"a": "Ein Text", "b": "Anders"}
    assert (content.scale, content.criteria) == ((-25, 0), ("mqm",))
    other = read(file, columns=columns, weights=["major=10", "minor/fluency/punctuation=1"], where=["doc=d"])
    assert scores(other)["d", "d/1", "a", "r", "mqm"] == [-12]
    file.write_text(file.read_text().replace("Neutral", "Critical"))
    with pytest.raises(
        ImportFileError, match=r'line 7: severity=.Critical. must be one of major.*--weight "Critical=1"'
    ):
        read(file, columns=columns)


@pytest.mark.parametrize(
    ("dates", "cell", "expected"),
    [
        ("iso", "2024-05-01T12:00:00+02:00", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("day-first", "3/4/2024 16:05", datetime(2024, 4, 3, 16, 5, tzinfo=UTC)),
        ("month-first", "3/4/2024 4:05 PM", datetime(2024, 3, 4, 16, 5, tzinfo=UTC)),
        ("month-first", "3/4/24, 12:05:01 am", datetime(2024, 3, 4, 0, 5, 1, tzinfo=UTC)),
        ("year-first", "2024.4.3", datetime(2024, 4, 3, tzinfo=UTC)),
        ("epoch", "1714557600", datetime(2024, 5, 1, 10, tzinfo=UTC)),
        ("epoch", "1714557600123", datetime(2024, 5, 1, 10, 0, 0, 123000, tzinfo=UTC)),
        ("%a %b %d %H:%M:%S PDT %Y", "Wed May 01 10:00:00 PDT 2024", datetime(2024, 5, 1, 10, tzinfo=UTC)),
    ],
)
def test_times_are_read_in_the_order_that_is_said(tmp_path: Path, dates: str, cell: str, expected: datetime) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f'item,system,rater,criterion,score,submitted\n1,a,r,c,1,"{cell}"\n1,b,r,c,2,\n')
    assert read(file, dates=dates).screens[0].submitted == expected


@pytest.mark.parametrize(
    ("header", "row", "options", "says"),
    [
        (
            "submitted",
            "1,3/4/2024",
            {},
            "give the order with --dates day-first, month-first or year-first",
        ),
        ("submitted", "1,31/4/2024", {"dates": "day-first"}, "must be a time in the format of --dates day-first"),
        ("submitted", "1,1714557600", {}, "use --dates epoch"),
        ("x", '"3,5",', {}, "for a decimal comma use --decimal comma, for a list of two --lists ,"),
        ("x", "Agree,", {}, 'give a word its number with --value "Agree=5"'),
    ],
)
def test_what_is_ambiguous_is_refused_with_the_remedy(
    tmp_path: Path, header: str, row: str, options: dict[str, Any], says: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(f"item,system,rater,criterion,score,{header}\n1,a,r,c,{row}\n")
    with pytest.raises(ImportFileError, match="line 2: ") as raised:
        read(file, **options)
    assert says in str(raised.value)


def test_a_number_that_may_have_thousands_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("item;system;rater;criterion;score\n1;a;r;c;1,234\n1;b;r;c;0,125\n")
    with pytest.raises(
        ImportFileError, match=r"line 2: score='1,234' could mean 1\.234 or 1234; choose with --decimal"
    ):
        read(file)
    assert sorted(given for each in scores(read(file, decimal="comma")).values() for given in each) == [0.125, 1.234]


def test_the_earlier_of_two_ratings_is_the_first(tmp_path: Path) -> None:
    """Where times are known they decide, whatever the order of the rows; otherwise the order does."""
    file = tmp_path / "a.csv"
    file.write_text(
        "item,system,rater,criterion,score,submitted\n1,a,r,c,1,2024-03-02\n1,a,r,c,2,2024-03-01\n"
        "1,a,r,c,3,2024-03-03\n2,a,r,c,4,\n2,a,r,c,5,\n"
    )
    content = read(file)
    assert scores(content) == {("1", "1", "a", "r", "c"): [2, 1, 3], ("2", "2", "a", "r", "c"): [4, 5]}
    assert (content.answers, content.facts.repeats) == (2, 3)


def test_a_look_at_a_file_lists_every_bad_row(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    rows = ["1,a,r,4", "1,b,r,x", "1,d,,5", "1,e,r", "2,a,r,NA", "2,b,r,7"]
    file.write_text("\n".join(["Item,model,rater,Q", *rows]))
    found = preview_ratings(
        [file], rating_options({"columns": ["system=model", "score=Q", "criterion==q"], "scale": [1, 5]})
    )
    assert [(defect["at"], defect["problem"].split(" must")[0].split(" is out")[0]) for defect in found["defects"]] == [
        ("line "
        "3", "Q='x'"), ("line 4", "rater=''"), ("line 5", "has 3 cells, but the header has 4"), ("line 7", "Q='7'"),
    ]  # fmt: skip
    assert found["columns"][1] == {"column": "model", "taken_as": "system", "examples": ["a", "b", "d"]}
    assert (found["missing"], found["fixed"], found["rows"]) == ({"Q": 1}, {"criterion": "q"}, 5)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"columns": ["itm=x"]}, "columns: 'itm=x' must have the form ROLE=COLUMN; valid roles: album, item"),
        ({"columns": ["item=x", "criterion=a", "criterion=b"]}, "columns: 'criterion' is given twice"),
        ({"criteria": ["a"], "raters": ["b"]}, "criteria: for several kinds of columns .* --wide"),
        ({"wide": ["plain"]}, "wide: 'plain' must contain {criterion}"),
        ({"dates": "us"}, "dates: 'us' must be iso, day-first"),
        ({"looks": 3}, "looks: 3 looks need the primary comparison"),
        ({"primary": ["a", "b"]}, "primary: a b must be two systems and a criterion"),
        ({"weights": ["major=x"]}, "weights: 'major=x' must give a number"),
        ({"encoding": "martian"}, "encoding: 'martian' is not a known encoding"),
    ],
)
def test_an_option_that_says_nothing_is_refused(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text("item,system,rater,criterion,score,x,a,b\n1,a,r,c,1,,,\n")
    with pytest.raises(InputError, match=says):
        read(file, **options)


def test_two_names_never_become_one() -> None:
    names = Names("system")
    given = ["a,b", "a=b", "a-b", "★", "☆", "a,b", "x" * 150, "x" * 149 + "y"]
    became = [names.take(name) for name in given]
    assert became[:6] == ["a-b", "a-b-2", "a-b-3", "system", "system-2", "a-b"]
    assert (len(set(became)), max(map(len, became))) == (7, 100)


def test_one_name_written_two_ways_is_one() -> None:
    names = Names("system")
    assert [names.take(name) for name in ("Zoë 2", "Zoe\u0308 2", "Zoë  2", "日本語")] == ["Zoë 2"] * 3 + ["日本語"]
    assert names.changed() == {"Zoe\u0308 2": "Zoë 2", "Zoë  2": "Zoë 2"}


def test_a_text_may_be_the_name_of_an_item(tmp_path: Path) -> None:
    """However long: two that begin alike stay two, for scores and for choices."""
    file, texts = tmp_path / "a.csv", ["x" * 5000 + end for end in "ab"]
    file.write_text(
        "\n".join(["item,system,rater,criterion,score", *(f"{text},s,r,c,{n}" for n, text in enumerate(texts))])
    )
    places = [screen.place for screen in read(file).screens]
    assert (len(set(places)), max(len(part) for place in places for part in place)) == (2, 200)
    pairs = [f"{text},{'s' * 99},{'t' * 99},r,c,a" for text in texts]
    file.write_text("\n".join(["item,system_a,system_b,rater,criterion,choice", *pairs]))
    places = [screen.place for screen in read(file).screens]
    assert (len(set(places)), max(len(part) for place in places for part in place)) == (2, 200)


def test_the_order_shown_goes_with_the_choice(tmp_path: Path) -> None:
    """Shown a before b, and earlier, further down, b before a: the earlier showing is the first screen."""
    file = tmp_path / "a.csv"
    file.write_text(
        "item,system_a,system_b,rater,criterion,choice,submitted\n1,a,b,r,c,a,2024-01-02\n1,b,a,r,c,b,2024-01-01\n"
    )
    assert [(screen.repeat, screen.systems, screen.choices["c"].value) for screen in read(file).screens] == [
        (0, ["b", "a"], "b"), (1, ["a", "b"], "a"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"split": ["item={a}_{a}"]}, "split: '{a}_{a}' must contain"),
        ({"split": ["item=none"]}, "split: 'none' must contain"),
        ({"dates": "%d %d"}, "dates: '%d %d' is not a valid time format"),
        ({"encoding": "base64"}, "encoding: 'base64' is not a known encoding"),
    ],
)
def test_options_that_cannot_be_are_refused_in_a_line(tmp_path: Path, options: dict[str, Any], says: str) -> None:
    file = tmp_path / "a.csv"
    file.write_text("item,system,rater,criterion,score\n1,a,r,c,3\n1,b,r,c,4\n")
    with pytest.raises(InputError) as raised:
        read(file, **options)
    assert says in str(raised.value)


def test_files_without_a_table_in_them_are_refused_in_a_line(tmp_path: Path) -> None:
    deep, empty = tmp_path / "deep.json", tmp_path / "empty.csv"
    deep.write_text('[{"item": ' + "[" * 3000 + "]" * 3000 + "}]")
    with pytest.raises(ImportFileError, match="byte 72: lists and objects are nested more than 64 deep"):
        read(deep)
    empty.write_text("item,system,rater,criterion,score\n")
    with pytest.raises(CommandError, match="1 defect: fix it before importing"):
        call_command("import_ratings", empty, campaign="study", dry_run=True)
