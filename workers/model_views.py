"""The systems of a split side by side: in figures, and text by text."""

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict
from django.views.decorators.http import require_GET

from annotations.models import Dataset, Decoding, Split, System
from annotations.storage.names import row_named
from annotations.web.lists import MAX_TYPED, PER_PAGE
from annotations.web.pages import page_for, render_page
from workers.leaderboard import NAME, Board, Column, first_sort, leaderboard, sorted_rows, split_to_show
from workers.side_by_side import FEWEST, MOST, ORDER, Known, known_of, named_decodings, page_of, sorts_of

OTHERS = 30  # systems without a text there that are named; the list of all has the rest
MAX_DIGITS = 7  # of a page of an order
ALL = "all"


@require_GET
@page_for("annotations.view_system")
def systems(request: HttpRequest) -> HttpResponse:
    """The leaderboard of a dataset's split."""
    dataset, split = asked_split(request.GET)
    context: dict[str, Any] = {"datasets": Dataset.objects.order_by("name"), "splits": Split.values}
    context |= {"dataset": dataset, "split": split}
    if dataset is not None:
        asked = None if ALL in request.GET.getlist("metric") else request.GET.getlist("metric")
        board = leaderboard(dataset, split, asked=asked, people=request.user.has_perm("annotations.view_report"))
        context |= board_context(request, board)
    return render_page(request, "workers/leaderboard.html", "Models", context)


def asked_split(asked: QueryDict) -> tuple[Dataset | None, str]:
    """The dataset and the split that the address names, as far as there are such."""
    dataset, split = split_to_show()
    named = row_named(Dataset.objects.all(), str(asked["dataset"])) if asked.get("dataset") else None
    known = asked.get("split") in Split.values
    return named or dataset, str(asked["split"]) if known else str(Split.TEST) if named else split


def board_context(request: HttpRequest, board: Board) -> dict[str, Any]:
    sort = request.GET.get("sort") or first_sort(board)
    headings = [heading(request.GET, Column(NAME, "System", ""), sort, in_words=True)]
    headings += [heading(request.GET, column, sort) for column in board.columns]
    page = Paginator(sorted_rows(board, sort), PER_PAGE).get_page(request.GET.get("page"))
    shown = {row.system.pk for row in board.rows if row.system}
    others = System.objects.exclude(pk__in=shown).exclude(kind__in=[System.Kind.HUMAN, System.Kind.BASELINE])
    chosen = [column.key for column in board.columns]
    return {
        "board": board,
        "headings": headings,
        "page": page,
        "query": without(request.GET, "page"),
        "rows": [(row, [(column, row.cells.get(column.key)) for column in board.columns]) for row in page],
        "others": list(others.order_by("-pk")[: OTHERS + 1]),
        "OTHERS": OTHERS,
        "metrics": [(column, column.key in chosen) for column in board.all_columns],
        "sort": request.GET.get("sort", ""),
    }


def without(asked: QueryDict, *names: str) -> str:
    """The rest of an address, for a link to go on with."""
    query = asked.copy()
    for name in names:
        query.pop(name, None)
    return f"{query.urlencode()}&" if query else ""


def heading(asked: QueryDict, column: Column, sort: str, *, in_words: bool = False) -> dict[str, Any]:
    """A column with the link that sorts by it, and which way it is sorted now."""
    here, backwards = sort.removeprefix("-") == column.key, sort.startswith("-")
    ascending = backwards != (in_words or column.less_is_better)
    query = QueryDict(without(asked, "page", "sort"), mutable=True)
    query["sort"] = f"-{column.key}" if here and not backwards else column.key
    sorted_now = ("ascending" if ascending else "descending") if here else ""
    return {"column": column, "in_words": in_words, "link": f"?{query.urlencode()}", "sorted": sorted_now}


@require_GET
@page_for("annotations.view_system")
def outputs_compare(request: HttpRequest) -> HttpResponse:
    """Two to four systems' texts for the same sources."""
    dataset, split = asked_split(request.GET)
    there = Decoding.objects.latest_on(dataset, split) if dataset else []
    chosen, unknown = named_decodings(there, request.GET.getlist("system"))
    sort, words = request.GET.get("sort", ORDER), request.GET.get("q", "").strip()[:MAX_TYPED]
    asked = request.GET.get("page", "")
    number = max(1, int(asked)) if asked.isascii() and asked.isdecimal() and len(asked) < MAX_DIGITS else 1
    context: dict[str, Any] = {"dataset": dataset, "split": split, "there": there, "chosen": chosen, "words": words}
    context |= {"names": [each.row_name for each in chosen], "problem": "", "sort": sort, "MOST": MOST}
    if (count := len(chosen) + len(unknown)) > MOST:
        context["problem"] = f"Four systems at most stand side by side, and {count} were chosen."
    elif unknown:
        context["problem"] = f"No system called {', '.join(unknown)} has written for {dataset} / {split}."
    elif len(chosen) < FEWEST:
        one = f" besides {chosen[0].row_name}" if chosen else ""
        context["problem"] = f"Choose two to four systems to compare{one}."
    else:
        known = known_of(chosen) if request.user.has_perm("annotations.view_report") else Known()
        page = page_of(chosen, known, sort=sort, words=words, number=number)
        context |= {"page": page, "known": known, "sorts": sorts_of(known), "query": without(request.GET, "page")}
    return render_page(request, "workers/side_by_side.html", "Side by side", context)
