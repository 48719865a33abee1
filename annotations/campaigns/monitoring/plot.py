"""Answers over time as a small SVG of bars, in the page's colours; by hand, as it is drawn at every refresh."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape

from annotations.campaigns.monitoring.pace import DAY, HOUR, hour_named
from annotations.plurals import counted

WIDTH, LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 640, 46, 626, 12, 112, 138
WIDEST, APART = 40, 220  # of a bar and what is between two; of the first label from the last
MOST_HOURS, MOST_DAYS = 72, 60  # bars; hours where the first answer is no older


def answers_svg(hours: Mapping[str, int], now: datetime) -> str:
    """Empty where there is no answer yet."""
    if not hours:
        return ""
    moments = {hour_named(name): count for name, count in hours.items()}
    by_hour = now - min(moments) <= MOST_HOURS * HOUR
    step, name, form = (HOUR, "hour", "%-d %b %H:00") if by_hour else (DAY, "day", "%-d %b")
    last = start_of(now, by_hour)
    first = max(start_of(min(moments), by_hour), last - (MOST_HOURS if by_hour else MOST_DAYS - 1) * step)
    bars = Counter[int]()
    for moment, count in moments.items():
        if moment >= first:
            bars[(moment - first) // step] += count
    return drawn(name, form, first, step, [bars[place] for place in range((last - first) // step + 1)])


def start_of(moment: datetime, by_hour: bool) -> datetime:
    start = moment.replace(minute=0, second=0, microsecond=0)
    return start if by_hour else start.replace(hour=0)


def drawn(name: str, form: str, first: datetime, step: timedelta, bars: list[int]) -> str:
    top, each = ceiling(max(bars)), min((RIGHT - LEFT) / len(bars), WIDEST)
    parts = []
    for value in {0, top, *([top // 2] if top % 2 == 0 else [])}:
        y = BOTTOM - value / top * (BOTTOM - TOP)
        parts.append(f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}"/>')
        parts.append(f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:,}</text>')
    for place, count in enumerate(bars):
        if count:
            high, x = count / top * (BOTTOM - TOP), LEFT + place * each
            when = escape(f"{first + place * step:{form}}: {counted(count, 'answers')}")
            parts.append(
                f'<rect class="key-train" x="{x + each * 0.1:.1f}" y="{BOTTOM - high:.1f}" width="{each * 0.8:.1f}" '
                f'height="{high:.1f}"><title>{when}</title></rect>'
            )
    ends = [(0, "start"), *([(len(bars) - 1, "end")] if len(bars) * each > APART else [])]
    for place, anchor in ends:
        x = LEFT + (len(bars) * each if place else 0)
        parts.append(
            f'<text class="tick" x="{x}" y="{BOTTOM + 18}" text-anchor="{anchor}">{first + place * step:{form}}</text>'
        )
    told = f"Answers by {name}, UTC, from {first:{form}} on: at most {max(bars):,} in one {name}"
    head = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" xmlns="http://www.w3.org/2000/svg">'
    return "".join([head, f"<title>{told}</title>", *parts, "</svg>"])


def ceiling(value: int) -> int:
    """The smallest of 1, 2 and 5 times a power of ten that is no smaller."""
    power = 10 ** (len(str(value)) - 1)
    return next(power * each for each in (1, 2, 5, 10) if power * each >= value)
