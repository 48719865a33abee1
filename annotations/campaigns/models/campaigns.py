"""A human evaluation: what is shown, to whom, and how it is handed out."""

import json
import secrets
import uuid
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from annotations.campaigns.quality import NO_QUALITY, Quality, quality_of
from annotations.campaigns.querysets.campaigns import (
    AssignmentQuerySet,
    CampaignQuerySet,
    RaterQuerySet,
)
from annotations.corpora.models import Dataset, Import, Source, Split
from annotations.protocols import Rules
from annotations.protocols.criteria import Criterion, criteria_of
from annotations.storage.fields import DigestField, name_length
from annotations.storage.unfinished import FinishedManager, Unfinished
from annotations.systems.models import Decoding, Output, System


def new_token() -> str:
    return secrets.token_urlsafe(18)


def new_secret() -> str:
    return secrets.token_hex(32)


class Campaign(Unfinished):
    class Purpose(models.TextChoices):
        EVALUATION = "evaluation", "evaluation (test albums; can never feed training)"
        FEEDBACK = "feedback", "feedback (feedback albums; can never be called a test result)"

    class State(models.TextChoices):
        DRAFT = "draft"
        OPEN = "open"
        PAUSED = "paused"
        CLOSED = "closed"

    class Unit(models.TextChoices):
        SENTENCE = "sentence"
        STORY = "story"

    class Layout(models.TextChoices):
        PARAGRAPH = "paragraph"
        PHOTOS = "photos", "Photo by photo"

    class Family(models.TextChoices):
        CRITERION = "criterion", "all pairs by one criterion"
        CAMPAIGN = "campaign", "all pairs by all criteria"

    class Spending(models.TextChoices):
        OBRIEN_FLEMING = "obrien-fleming", "O'Brien and Fleming: nearly all of it at the end"
        POCOCK = "pocock", "Pocock: evenly"

    class Show(models.TextChoices):
        PHOTO = "photo"
        CAPTION = "caption"
        BOTH = "both"
        NONE = "none"

    token = models.CharField(max_length=40, unique=True, default=new_token, help_text="in the raters' link")
    purpose = models.CharField(max_length=10, choices=Purpose)
    dataset = models.ForeignKey(Dataset, models.PROTECT, related_name="campaigns")
    split = models.CharField(max_length=8, choices=Split)
    unit = models.CharField(max_length=8, choices=Unit)
    layout = models.CharField(
        max_length=9,
        choices=Layout,
        default=Layout.PARAGRAPH,
        help_text="of stories: as one paragraph, or photo by photo",
    )
    protocol = models.CharField(max_length=20)
    show = models.CharField(max_length=8, choices=Show)
    criteria = models.JSONField(help_text="names of the criteria, in order")
    criterion_words = models.JSONField(
        default=dict,
        blank=True,
        help_text="by criterion what raters read of it, and by language; nothing for built-in words or a name alone",
    )
    instructions = models.TextField(blank=True, help_text="shown to raters before the first screen, and on request")
    consent = models.TextField(blank=True, help_text="what raters agree to by beginning; empty: the built-in text")
    cannot_say = models.JSONField(
        default=list, blank=True, help_text="criteria by which raters can say that they cannot judge a screen"
    )
    comments = models.BooleanField(default=False, help_text="whether every screen has room for a comment")
    organizer = models.CharField(max_length=200, blank=True, help_text="who asks, as raters read it")
    contact = models.CharField(
        max_length=200, blank=True, help_text="whom raters can write to: an e-mail address or words"
    )
    minutes = models.PositiveIntegerField(null=True, blank=True, help_text="how long taking part takes, as estimated")
    overlap = models.PositiveSmallIntegerField(help_text="raters per item, at most")
    seed = models.PositiveIntegerField(default=1)
    order_secret = models.CharField(
        max_length=64, default=new_secret, editable=False, help_text="draws the order of texts; nobody is shown it"
    )
    quality = models.JSONField(
        default=dict, blank=True, help_text="the checks among a rater's screens, and the rules by which one is stopped"
    )
    screens_per_rater = models.PositiveIntegerField(default=0, help_text="at most; 0: those of all items")
    minimum_answers = models.PositiveIntegerField(default=1, help_text="answers needed for a completion code")
    primary = models.JSONField(
        default=list, help_text="two systems and a criterion whose difference was declared first"
    )
    family = models.CharField(
        max_length=9, choices=Family, default=Family.CRITERION, help_text="the differences that Holm adjusts together"
    )
    looks = models.PositiveSmallIntegerField(
        default=1, help_text="at the results, planned in advance, at equal shares of the screens; the last at the end"
    )
    spending = models.CharField(
        max_length=14, choices=Spending, default=Spending.OBRIEN_FLEMING, help_text="how the looks share out alpha"
    )
    equivalence_margin = models.FloatField(
        null=True,
        blank=True,
        help_text=(
            "a difference below which systems are as good as equal, planned in advance: in scale points, of choices "
            "the distance of a share won from one half"
        ),
    )
    scale = models.JSONField(default=list, blank=True, help_text="lowest and highest score; empty: the protocol's own")
    ties = models.BooleanField(default=True, help_text="of choices: whether two texts may be called equal")
    categories = models.JSONField(
        default=list, blank=True, help_text="names of the categories of errors, in order; empty: the protocol's own"
    )
    texts_per_screen = models.PositiveSmallIntegerField(default=0, help_text="0: those of all systems")
    scale_found = models.BooleanField(
        default=False, help_text="the scale is the smallest and the largest score of imported ratings"
    )
    import_facts = models.JSONField(
        default=dict,
        blank=True,
        help_text="what an import made of the file of ratings: its form, repeats, blanks, names",
    )
    simulation = models.JSONField(
        null=True,
        blank=True,
        editable=False,
        help_text="its raters are simulated: how many of each kind, what was planted, the seed; empty: they are people",
    )
    imported_by = models.ForeignKey(
        Import,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="its ratings were collected elsewhere",
    )
    state = models.CharField(max_length=6, choices=State, default=State.OPEN)
    item_count = models.PositiveIntegerField(help_text="items it was made with")
    systems: "models.ManyToManyField[System, CampaignSystem]" = models.ManyToManyField(System, through="CampaignSystem")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    closed_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True, help_text="put away from the list; nothing is lost")

    objects = FinishedManager.from_queryset(CampaignQuerySet)()
    all_rows = models.Manager()

    class Meta:
        constraints = [
            name_length("campaign"),
            models.CheckConstraint(
                condition=Q(purpose="evaluation", split="test") | Q(purpose="feedback", split="feedback"),
                name="campaign_purpose_fits_split",
                violation_error_message="An evaluation campaign shows test albums, a feedback one feedback albums.",
            ),
            models.CheckConstraint(condition=Q(family__in=["criterion", "campaign"]), name="campaign_family_known"),
            models.CheckConstraint(
                condition=Q(spending__in=["obrien-fleming", "pocock"]), name="campaign_spending_known"
            ),
            models.CheckConstraint(
                condition=Q(equivalence_margin=None) | Q(equivalence_margin__gt=0),
                name="campaign_equivalence_margin_positive",
                violation_error_message="An equivalence margin is above 0.",
            ),
            models.CheckConstraint(condition=Q(looks__gte=1), name="campaign_looks_positive"),
            models.CheckConstraint(condition=Q(overlap__gte=1), name="campaign_overlap_positive"),
            models.CheckConstraint(condition=Q(item_count__gte=1), name="campaign_has_items"),
            models.CheckConstraint(
                condition=Q(minimum_answers__gte=1, minimum_answers__lte=F("item_count")),
                name="campaign_minimum_answers_within_items",
                violation_error_message="A completion code needs from one answer to as many as there are items.",
            ),
            models.CheckConstraint(
                condition=Q(state__in=["draft", "open", "paused", "closed"]), name="campaign_state_known"
            ),
            models.CheckConstraint(
                condition=Q(archived_at=None) | Q(state__in=["draft", "closed"]),
                name="campaign_archived_takes_no_ratings",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def rules(self) -> Rules:
        """What it chose for its protocol."""
        return Rules(self.scale, self.ties, self.categories)

    @property
    def quality_control(self) -> Quality:
        return quality_of(json.dumps(self.quality)) if self.quality else NO_QUALITY

    @property
    def asked(self) -> list[Criterion]:
        """Its criteria, in their order."""
        return criteria_of(self.criteria, self.criterion_words)

    @property
    def contact_link(self) -> str:
        """Empty where the contact is no e-mail address."""
        with suppress(ValidationError):
            validate_email(self.contact)
            return f"mailto:{quote(self.contact, safe='@')}"
        return ""

    @property
    def shows_caption(self) -> bool:
        return self.show in (self.Show.CAPTION, self.Show.BOTH)

    @property
    def shows_photo(self) -> bool:
        return self.show in (self.Show.PHOTO, self.Show.BOTH)

    @property
    def most_screens(self) -> int:
        """That one rater can answer."""
        return self.screens_per_rater or self.item_count

    @property
    def texts_shown(self) -> int:
        """On a screen, where no two systems wrote the same."""
        return self.texts_per_screen or self.entries.count()

    @property
    def screens(self) -> int:
        return self.item_count * self.overlap


class CampaignSystem(models.Model):
    """The decoding with which a system takes part, frozen when the campaign is made."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="entries", db_index=False)
    system = models.ForeignKey(System, models.PROTECT, related_name="+")
    decoding = models.ForeignKey(Decoding, models.PROTECT, related_name="entries")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "system"], name="campaign_system_once")]

    def __str__(self) -> str:
        return f"{self.campaign_id}: {self.system_id}"


class ShownPhoto(NamedTuple):
    """What a screen can show of one of a source's photos: its picture, as the photo has it, and its caption."""

    image: str
    caption: str


class Item(models.Model):
    """One screen: a source and its candidates."""

    class Kind(models.TextChoices):
        REGULAR = "regular"
        REPEAT = "repeat", "planned repeat"
        CONTROL = "control", "quality control"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="items", db_index=False)
    kind = models.CharField(max_length=7, choices=Kind, default=Kind.REGULAR)
    source = models.ForeignKey(Source, models.PROTECT, related_name="items")
    position = models.PositiveIntegerField(help_text="in the campaign's seeded order")
    planted = models.JSONField(
        null=True,
        blank=True,
        help_text="of quality control: how a text is degraded, and the random ids of it and of its original, if shown",
    )
    taken = models.PositiveSmallIntegerField(
        default=0, help_text="assignments open or done, but places given back; and places kept for named raters"
    )
    turn = models.PositiveBigIntegerField(
        default=0,
        db_default=0,
        help_text="0: by its position; where a place came back, behind all that were there: the newest assignment then",
    )
    shown_photos: list[ShownPhoto]  # of its source, where `item_shown` was asked

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "position"], name="item_position_once"),
            models.UniqueConstraint(
                fields=["campaign", "source"], condition=Q(kind="regular"), name="item_source_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=["regular", "repeat", "control"]), name="item_kind_known"),
        ]
        indexes = [
            models.Index(fields=["campaign", "taken", "turn", "position"], name="item_by_turn"),
            models.Index(
                fields=["campaign", "turn", "taken", "position"], condition=Q(turn__gt=0), name="item_that_came_back"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id}[{self.position}]"


class Candidate(models.Model):
    """A text as shown, under a random id. It counts for every system one of whose outputs it shows."""

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    item = models.ForeignKey(Item, models.CASCADE, related_name="candidates", db_index=False)
    text = models.TextField()
    digest = DigestField("text", help_text="SHA-256 of the text, which is once in an item")
    outputs: "models.ManyToManyField[Output, CandidateOutput]" = models.ManyToManyField(
        Output, through="CandidateOutput", related_name="candidates"
    )

    class Meta:
        constraints = [models.UniqueConstraint(fields=["item", "digest"], name="candidate_text_once")]

    def __str__(self) -> str:
        return self.text


class CandidateOutput(models.Model):
    candidate = models.ForeignKey(Candidate, models.CASCADE, related_name="shown_outputs", db_index=False)
    output = models.ForeignKey(Output, models.PROTECT, related_name="shown_as")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["candidate", "output"], name="candidate_output_once")]

    def __str__(self) -> str:
        return f"{self.candidate_id} shows {self.output_id}"


class Rater(models.Model):
    """A pseudonym within one campaign. The session is kept as a hash only."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="raters")
    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    outside_id = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001  null: none given, never ""
    session_hash = models.CharField(max_length=64, unique=True, help_text="SHA-256 of the session's token")
    digest_key = models.CharField(
        max_length=64,
        default=new_secret,
        editable=False,
        help_text="of the digests of what they send; another one once they are erased, so that none can be tried out",
    )
    trial = models.BooleanField(default=False, help_text="a dry run: takes nobody's place, and never counts")
    named_items = models.PositiveIntegerField(
        default=0, db_default=0, help_text="that were named for them, and are all they get; 0: any that are free"
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    excluded_at = models.DateTimeField(null=True, blank=True, help_text="from then on left out of the results")
    exclusion = models.CharField(max_length=300, blank=True, help_text="why they are left out, in words")
    stopped_by = models.CharField(
        max_length=12, blank=True, default="", db_default="", help_text="the rule of quality control that they broke"
    )
    rules_waived = models.BooleanField(
        default=False, db_default=False, help_text="readmitted: the rules stop them no more"
    )
    replaced = models.BooleanField(
        default=False, db_default=False, help_text="left out, and others rate what they had rated"
    )
    completion_code = models.CharField(
        max_length=20, null=True, blank=True, unique=True, help_text="made when it is earned and shown"
    )
    enough_answers = models.PositiveIntegerField(
        null=True, blank=True, help_text="what they had answered, none skipped, when nothing was left for them"
    )
    erased_at = models.DateTimeField(null=True, blank=True, help_text="from then on nothing here says who they are")
    erased_as = models.UUIDField(
        null=True, blank=True, help_text="random; the same in all campaigns in which one person was erased at once"
    )

    objects = RaterQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(erased_at=None, erased_as=None)
                | Q(erased_at__isnull=False, erased_as__isnull=False, outside_id=None, completion_code=None),
                name="rater_erased_is_nobody",
            ),
            models.CheckConstraint(
                condition=Q(excluded_at=None, exclusion="") | (Q(excluded_at__isnull=False) & ~Q(exclusion="")),
                name="rater_excluded_for_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(replaced=False) | Q(excluded_at__isnull=False), name="rater_replaced_is_left_out"
            ),
            models.CheckConstraint(condition=Q(stopped_by="") | Q(replaced=True), name="rater_stopped_is_replaced"),
            models.CheckConstraint(condition=~Q(completion_code=""), name="rater_completion_code_not_empty"),
            models.UniqueConstraint(fields=["campaign", "outside_id"], name="rater_outside_id_once"),
            models.CheckConstraint(condition=~Q(outside_id=""), name="rater_outside_id_not_empty"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def most_screens(self) -> int:
        """That they can answer."""
        return self.named_items or self.campaign.most_screens


class Invitation(models.Model):
    """An outside id that was given a signed link: nobody joins under it without."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="invitations")
    outside_id = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "outside_id"], name="invitation_once"),
            models.CheckConstraint(condition=~Q(outside_id=""), name="invitation_outside_id_not_empty"),
        ]

    def __str__(self) -> str:
        return self.outside_id


class ErasedId(models.Model):
    """That an outside id was erased, so that its old links open nothing. It does not say which: only who has the
    site's secret key and the id can tell that it is this one."""

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="erased_ids")
    digest = models.CharField(max_length=64, help_text="SHA-256 of the signature that the id's personal link carries")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "digest"], name="erased_id_once")]

    def __str__(self) -> str:
        return self.digest


class Assignment(models.Model):
    """An item given to one rater, on a lease."""

    class State(models.TextChoices):
        OPEN = "open"
        DONE = "done"
        SKIPPED = "skipped"
        RELEASED = "released", "given back unanswered"

    public_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    item = models.ForeignKey(Item, models.CASCADE, related_name="assignments", db_index=False)
    rater = models.ForeignKey(Rater, models.CASCADE, related_name="assignments", db_index=False)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    candidate_order = models.JSONField(help_text="[primary key, random id] of each candidate, as this rater sees them")
    shown = models.TextField(
        default="", db_default="", help_text="the decodings by place, as `shown_as` writes them; empty: not known"
    )
    place_given_back = models.BooleanField(
        default=False, db_default=False, help_text="its rater is left out, and another may rate the item instead"
    )
    draft = models.JSONField(default=dict, help_text="half an answer, as the page's fields had it")
    seconds_spent = models.FloatField(
        default=0, db_default=0.0, help_text="that the rater has looked at the screen, over all visits; it only grows"
    )
    check_passed = models.BooleanField(null=True, help_text="of quality control: what its answer showed")
    too_fast = models.BooleanField(default=False, db_default=False, help_text="answered faster than allowed")
    same_answers = models.BooleanField(default=False, db_default=False, help_text="all texts were answered alike")
    so_far = models.JSONField(
        null=True,
        editable=False,
        help_text="what was known of the rater's screens when it was claimed (`SoFar`); empty: to be counted anew",
    )
    leased_until = models.DateTimeField()
    revision = models.PositiveSmallIntegerField(default=0, help_text="of its newest rating; 0 before there is one")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    held: timedelta  # since it was first handed out, where `with_held` was asked
    now: datetime  # by the database's clock, where `open_of` was asked

    objects = AssignmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["item", "rater"], name="assignment_item_once_a_rater"),
            models.UniqueConstraint(fields=["rater"], condition=Q(state="open"), name="assignment_one_open_a_rater"),
            models.CheckConstraint(
                condition=Q(state__in=["open", "done", "skipped", "released"]), name="assignment_state_known"
            ),
            models.CheckConstraint(condition=Q(seconds_spent__gte=0), name="assignment_seconds_not_negative"),
        ]
        indexes = [
            models.Index(F("leased_until"), condition=Q(state="open"), name="assignment_by_lease"),
            models.Index(fields=["rater", "state"], name="assignment_by_rater"),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} to {self.rater_id}"
