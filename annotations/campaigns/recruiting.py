"""Recruiting as a campaign declares it: by which service raters come, which codes they leave with, where each ending
sends them, and what they are paid. Plain values in, plain values out."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, NamedTuple
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from annotations.errors import ForbiddenError, InputError
from texts.limits import shown

MAX_PARTICIPANTS = 1_000_000
MAX_PAY = 1_000_000
MAX_SERVICE_ID_LENGTH = 100
SERVICE_ID = re.compile(rf"[A-Za-z0-9_.-]{{1,{MAX_SERVICE_ID_LENGTH}}}")
PLACEHOLDER = re.compile(r"\{(\w*)\}")
UNFILLED = re.compile(r"\{\{|\$\{")  # what a service would have filled in: {{%STUDY_ID%}}, ${workerId}
PREVIEW = "ASSIGNMENT_ID_NOT_AVAILABLE"  # the assignment of a worker who has not accepted the HIT
PROLIFIC_COMPLETE = "https://app.prolific.com/submissions/complete?cc={code}"
SERVICES = {"link": "", "prolific": "Prolific", "mturk": "Mechanical Turk"}

# Under which an address carries what a service fills in: ours first.
PARTICIPANT = (
    "rater",
    "PROLIFIC_PID",  # Prolific
    "workerId",  # Mechanical Turk
    "participantId",  # CloudResearch Connect
    "id",  # Sona Systems, as its guides write the address
)
STUDY = ("study", "STUDY_ID", "hitId")
SUBMISSION = ("submission", "SESSION_ID", "assignmentId")
# What a service fills into the address that it sends people to.
FILLED_IN = {
    "link": "",
    "prolific": "PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}",
    "mturk": "workerId=${workerId}&hitId=${hitId}&assignmentId=${assignmentId}",
}
Leaving = Literal["completed", "screened_out", "no_consent"]


def check_code(given: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", given):
        raise InputError("", f"{shown(given)} must be 1 to 40 letters, digits, hyphens and underscores")
    return given


def check_address(given: str) -> str:
    """Where people are sent; {code} and {rater} are filled in."""
    try:
        parts = urlsplit(given)
        fit = parts.scheme in ("http", "https") and parts.hostname and not re.search(r"[\s{}]", parts.netloc)
    except ValueError:
        fit = None
    if not fit or re.search(r"[\s\x00-\x1f\x7f]", given):
        raise InputError("", f"{shown(given)} must be an address that begins with https:// or http://")
    names = PLACEHOLDER.findall(given)
    if "{" in PLACEHOLDER.sub("", given) or "}" in PLACEHOLDER.sub("", given) or set(names) - {"code", "rater"}:
        raise InputError("", f"{shown(given)} may hold {{code}} and {{rater}}, and no other braces")
    return given


def check_currency(given: str) -> str:
    if not re.fullmatch("[A-Z]{3}", given):
        raise InputError("", f"{shown(given)} must be the three capital letters of a currency, such as GBP")
    return given


def check_service_id(given: str) -> str:
    if not SERVICE_ID.fullmatch(given):
        raise InputError("", f"{shown(given)} must be an id as the service shows it: letters and digits")
    return given


Code = Annotated[str, Field(min_length=1, max_length=40), AfterValidator(check_code)]
Address = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(check_address)]
ServiceId = Annotated[str, Field(min_length=1, max_length=MAX_SERVICE_ID_LENGTH), AfterValidator(check_service_id)]
Pay = Annotated[float, Field(ge=0, le=MAX_PAY, allow_inf_nan=False)]


class Recruiting(BaseModel):
    """The table `recruiting` of a campaign file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    service: Literal["link", "prolific", "mturk"] = Field(
        default="link",
        title="How raters are recruited",
        description="By a link that anybody can open, or only through Prolific or Mechanical Turk.",
    )
    study: ServiceId | None = Field(
        default=None,
        title="Study id",
        description="The id of Prolific's study, or of the HIT. People who come from another one are turned away.",
    )
    participants: Annotated[int, Field(ge=1, le=MAX_PARTICIPANTS)] | None = Field(
        default=None,
        title="Number of participants",
        description="The largest number who take part; others are turned away. Empty: any number.",
    )
    completed_code: Code | None = Field(
        default=None,
        title="Code for completing the study",
        description="The study's fixed code. Empty: each rater gets a code of their own.",
    )
    screened_out_code: Code | None = Field(
        default=None,
        title="Code for being stopped",
        description="For raters whom quality control stops. Empty: each gets a code of their own.",
    )
    no_consent_code: Code | None = Field(
        default=None,
        title="Code for not taking part",
        description="For those who say so on the welcome page. Empty: a code of their own.",
    )
    completed_to: Address | None = Field(
        default=None,
        title="Address after completing the study",
        description="Where the button below the code leads; {code} and {rater} are filled in. Empty: with Prolific, "
        "its own page; else there is no button.",
    )
    screened_out_to: Address | None = Field(default=None, title="Address after being stopped", description="As above.")
    no_consent_to: Address | None = Field(default=None, title="Address after not taking part", description="As above.")
    pay: Pay | None = Field(default=None, title="Pay", description="For each person who completes the study.")
    pay_screened_out: Pay | None = Field(
        default=None, title="Pay of raters who were stopped", description="Empty: the same."
    )
    pay_withdrawn: Pay | None = Field(
        default=None,
        title="Pay of raters who withdraw their answers",
        description="Empty: what they had earned before they withdrew.",
    )
    currency: Annotated[str, Field(min_length=3, max_length=3), AfterValidator(check_currency)] | None = Field(
        default=None, title="Currency of the pay", description="Three letters, such as GBP."
    )

    @model_validator(mode="after")
    def check_together(self) -> "Recruiting":
        if self.service == "link" and self.study:
            raise InputError("study", "goes with a service", "say which one: service = prolific or mturk")
        if self.pay is None:
            for name in ("pay_screened_out", "pay_withdrawn", "currency"):
                if getattr(self, name) is not None:
                    raise InputError("pay", "missing", f"{name} goes with it")
        elif self.currency is None:
            raise InputError("currency", "missing", "a pay needs its currency, such as GBP")
        codes = [each for each in (self.completed_code, self.screened_out_code, self.no_consent_code) if each]
        if twice := [each for each in codes if codes.count(each) > 1]:
            raise InputError("completed_code", f"'{twice[0]}' is the code of two endings", "each needs its own")
        return self

    def __bool__(self) -> bool:
        return bool(self.stored())

    def stored(self) -> dict[str, Any]:
        return self.model_dump(mode="json", exclude_defaults=True)

    @property
    def service_name(self) -> str:
        return SERVICES[self.service]

    @property
    def fixed_codes(self) -> dict[str, str]:
        """The study's own codes, and which ending each is for."""
        codes = {"completed": self.completed_code, "screened out": self.screened_out_code}
        return {fixed: how for how, fixed in (codes | {"no consent": self.no_consent_code}).items() if fixed}

    def code_for(self, leaving: Leaving, own: str | None) -> str | None:
        """The study's code, or the rater's own if there is one."""
        fixed = {
            "completed": self.completed_code,
            "screened_out": self.screened_out_code,
            "no_consent": self.no_consent_code,
        }[leaving]
        return fixed or own

    def link_for(self, leaving: Leaving, code: str | None, rater: str | None) -> str:
        """Where an ending with a code sends a rater of this outside id; empty where nowhere."""
        declared = {
            "completed": self.completed_to,
            "screened_out": self.screened_out_to,
            "no_consent": self.no_consent_to,
        }[leaving]
        template = declared or (PROLIFIC_COMPLETE if self.service == "prolific" else "")
        values = {"code": code or "", "rater": rater or ""}
        return PLACEHOLDER.sub(lambda name: quote(values[name[1]], safe=""), template) if code else ""


NO_RECRUITING = Recruiting()


@lru_cache
def recruiting_of(stored: str) -> Recruiting:
    """What a campaign has stored, as JSON."""
    return Recruiting.model_validate_json(stored)


class Arrival(NamedTuple):
    """What the address or the form says of who comes, each "" where it says nothing: their outside id, and of a
    service the study and the participant's submission to it (of Mechanical Turk the HIT and the assignment)."""

    participant: str = ""
    study: str = ""
    submission: str = ""

    @property
    def previews(self) -> bool:
        """A worker who looks at a HIT that they have not accepted."""
        return self.submission == PREVIEW


def arrival_in(parameters: Mapping[str, str]) -> Arrival:
    def first(names: tuple[str, ...]) -> str:
        return next((found for name in names if (found := parameters.get(name, "").strip())), "")

    return Arrival(first(PARTICIPANT), first(STUDY), first(SUBMISSION))


def check_arrival(recruiting: Recruiting, arrival: Arrival) -> None:
    """Raises ForbiddenError for who does not come from the declared service and study, or has only a preview of it."""
    if not recruiting:
        return
    if arrival.previews:
        raise ForbiddenError(
            "submission", "this is a preview", "accept the HIT on Mechanical Turk, then open the link again",
            code="preview",
        )  # fmt: skip
    filled = all(SERVICE_ID.fullmatch(part) for part in (arrival.study, arrival.submission) if part)
    if not filled or UNFILLED.search(arrival.participant):
        raise ForbiddenError(
            "rater", "the recruiting service has not filled in this link", "open the study on the service's own page",
            code="unfilled",
        )  # fmt: skip
    if recruiting.service_name and not arrival.participant:
        raise ForbiddenError(
            "rater", f"missing: this study is for participants of {recruiting.service_name}",
            "open it on the service's own page", code="service",
        )  # fmt: skip
    if recruiting.study and arrival.study and arrival.study != recruiting.study:
        raise ForbiddenError(
            "study", f"this link is of another study of {recruiting.service_name} than the campaign's",
            "open the link of the study that you were invited to", code="study",
        )  # fmt: skip


def pay_in_words(recruiting: Recruiting) -> str:
    """What raters are paid, in a sentence; empty where nothing is declared."""
    if recruiting.pay is None:
        return ""
    said = f"Raters who complete the study are paid {amount(recruiting.pay, recruiting)}"
    stopped = recruiting.pay if recruiting.pay_screened_out is None else recruiting.pay_screened_out
    said += f", raters stopped by quality control {amount(stopped, recruiting)}"
    if recruiting.pay_withdrawn is None:
        return f"{said}, and raters who withdraw their answers what they had earned before."
    return f"{said}, and raters who withdraw their answers {amount(recruiting.pay_withdrawn, recruiting)}."


def amount(value: float, recruiting: Recruiting) -> str:
    return f"{value:.2f} {recruiting.currency}"


def recruiting_in_words(recruiting: Recruiting) -> str:
    """How raters come, in a sentence; empty where nothing is declared."""
    if not recruiting:
        return ""
    how = f"through {recruiting.service_name}" if recruiting.service_name else "by a link"
    of_study = f" (study {recruiting.study})" if recruiting.study else ""
    limit = f", at most {recruiting.participants:,} of them" if recruiting.participants else ""
    return f"Raters are recruited {how}{of_study}{limit}."
