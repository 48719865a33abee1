"""Whom to pay how much: a row for each rater, and for each person who does not take part. It is personal data."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from annotations.campaigns.models import Campaign, Participation
from annotations.campaigns.selectors import rater_progress
from annotations.campaigns.services.endings import Ending, ending_of, ending_without_consent
from annotations.campaigns.services.raters import completion_with
from annotations.campaigns.services.submissions import NOT_PAID


class Payment(NamedTuple):
    """`rater` is the pseudonym; `ending` "going on" while there is none; `minutes` from joining to the last answer;
    `pay` is none where nothing is declared or it is not known yet."""

    rater: str
    outside_id: str
    study: str
    submission: str
    status: str
    ending: str
    code: str
    screens: int
    minutes: float | None
    pay: float | None
    currency: str


def payments_of(campaign: Campaign) -> Iterator[Payment]:
    """In the order in which people joined, dry runs aside; then those who do not take part. No person is there twice,
    and who the service says returned, ran out of time or was rejected is paid nothing."""
    for rater in rater_progress(campaign).select_related("participation").iterator(chunk_size=500):
        rater.campaign = campaign
        ending = ending_of(rater, completion_with(rater, answers=rater.done, skipped=rater.skipped))
        minutes = (rater.last - rater.created_at).total_seconds() / 60 if rater.last else None
        came = getattr(rater, "participation", None)
        yield payment(
            campaign, ending, came, str(rater.public_id), rater.outside_id or "", rater.done,
            None if minutes is None else round(max(0.0, minutes), 1),
        )  # fmt: skip
    for declined in Participation.objects.filter(campaign=campaign, rater=None).order_by("pk").iterator():
        yield payment(campaign, ending_without_consent(campaign, declined), declined, "", declined.participant, 0, None)


def payment(
    campaign: Campaign,
    ending: Ending,
    came: Participation | None,
    rater: str,
    outside_id: str,
    screens: int,
    minutes: float | None,
) -> Payment:
    pay = ending.pay
    if pay is not None and came and came.status in NOT_PAID:
        pay = 0.0
    return Payment(
        rater,
        outside_id,
        came.study if came else "",
        came.submission if came else "",
        came.status if came else "",
        ending.how or "going on",
        ending.code or "",
        screens,
        minutes,
        pay,
        campaign.recruited.currency or "",
    )


def near(typed: str, code: str) -> bool:
    """Whether one was typed for the other with a single slip: a letter more, less, or another, or two that changed
    places."""
    short, long = sorted((typed, code), key=len)
    if len(long) - len(short) > 1:
        return False
    if len(short) < len(long):
        return any(long[:at] + long[at + 1 :] == short for at in range(len(long)))
    wrong = [at for at, (one, other) in enumerate(zip(short, long, strict=True)) if one != other]
    swapped = len(wrong) == 2 and wrong[1] == wrong[0] + 1 and sorted(short) == sorted(long)
    return len(wrong) == 1 or swapped


class CodeFound(NamedTuple):
    """What a code is that somebody typed: the study's own, for so many; or of who does not take part; and codes of the
    campaign that it may have been meant for."""

    fixed: str = ""
    declined: str = ""
    meant: tuple[str, ...] = ()


def code_found(campaign: Campaign, typed: str, code: str) -> CodeFound:
    """`code` is what was `typed`, as codes of raters are stored."""
    fixed = {each.upper(): how for each, how in campaign.recruited.fixed_codes.items()}
    if how := fixed.get(typed.upper()):
        return CodeFound(fixed=how)
    declined = Participation.objects.filter(campaign=campaign, no_consent_code=code).first()
    if declined:
        return CodeFound(declined=declined.participant)
    codes: list[Any] = [
        *fixed,
        *campaign.raters.exclude(completion_code=None).values_list("completion_code", flat=True),
    ]
    codes += Participation.objects.filter(campaign=campaign, rater=None).values_list("no_consent_code", flat=True)
    return CodeFound(meant=tuple(each for each in codes if near(code, each))[:3])
