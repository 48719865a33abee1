"""A human evaluation: what is shown, to whom, and how it is handed out."""

import json
import secrets
from collections.abc import Sequence
from contextlib import suppress
from urllib.parse import quote

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse

from annotations.campaigns.example import WorkedExample, example_of
from annotations.campaigns.quality import NO_QUALITY, Quality, quality_of
from annotations.campaigns.querysets.campaigns import CampaignQuerySet
from annotations.campaigns.questionnaires import FORMS, Question, questions_of
from annotations.campaigns.recruiting import NO_RECRUITING, Recruiting, recruiting_of
from annotations.campaigns.standing import rules_in_words
from annotations.corpora.models import Dataset, Import, Split
from annotations.protocols import Rules, protocol_named
from annotations.protocols.criteria import Criterion, criteria_of
from annotations.storage.fields import name_length
from annotations.storage.unfinished import FinishedManager, Unfinished
from annotations.systems.models import Decoding, System


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
    example = models.JSONField(
        default=dict, blank=True, help_text="a screen, an answer to it and why, which raters read with the instructions"
    )
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
    unseen_albums = models.BooleanField(
        default=False, help_text="whether its albums are ones of which no earlier campaign had shown an item"
    )
    order_secret = models.CharField(
        max_length=64, default=new_secret, editable=False, help_text="draws the order of texts; nobody is shown it"
    )
    quality = models.JSONField(
        default=dict, blank=True, help_text="the checks among a rater's screens, and the rules by which one is stopped"
    )
    recruiting = models.JSONField(
        default=dict, blank=True, help_text="the service raters come by, their codes, where they are sent, their pay"
    )
    questionnaires = models.JSONField(
        default=dict, blank=True, help_text="by form the questions that raters answer before and after the screens"
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
    submissions_asked_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="when its recruiting service was last asked for all of them"
    )
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

    def get_absolute_url(self) -> str:
        return reverse("campaign", args=[self.pk])

    @property
    def rules(self) -> Rules:
        """What it chose for its protocol."""
        return Rules(self.scale, self.ties, self.categories)

    @property
    def quality_control(self) -> Quality:
        return quality_of(json.dumps(self.quality)) if self.quality else NO_QUALITY

    @property
    def worked_example(self) -> WorkedExample | None:
        return example_of(self.example)

    def questions(self, form: str) -> Sequence[Question]:
        return questions_of(form, self.questionnaires)

    @property
    def forms_due(self) -> str:
        """The forms that a new rater has to fill in: see `Rater.forms_due`."""
        return " ".join(form for form in FORMS if form in self.questionnaires)

    @property
    def quality_rules(self) -> list[str]:
        """Of quality control, in words."""
        return rules_in_words(self.quality_control, protocol_named(self.protocol), alone=self.texts_shown == 1)

    @property
    def recruited(self) -> Recruiting:
        return recruiting_of(json.dumps(self.recruiting)) if self.recruiting else NO_RECRUITING

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
