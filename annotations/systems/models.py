"""What systems wrote, and how metrics scored it."""

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.urls import reverse

from annotations.corpora.models import Dataset, Import, Source, Split, StorySentence
from annotations.corpora.querysets import KeptManager
from annotations.storage.fields import name_column, name_length
from annotations.systems.querysets import DecodingQuerySet, OutputQuerySet

SAMPLED = "nucleus"  # the method of a decoding whose texts are drawn


class System(models.Model):
    """Whoever writes. `human`, `caption` and `random_story` are there from the start."""

    class Kind(models.TextChoices):
        HUMAN = "human", "people"
        BASELINE = "baseline", "baseline (the caption itself, a random training story)"
        MODEL = "model", "trained here"
        FILE = "file", "uploaded outputs"

    name = name_column()
    kind = models.CharField(max_length=8, choices=Kind)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    removed_at = models.DateTimeField(null=True, editable=False, help_text="its rows are on their way out")

    objects = KeptManager()
    all_rows = models.Manager()  # noqa: DJ012

    class Meta:
        constraints = [
            name_length("system"),
            models.CheckConstraint(
                condition=Q(kind__in=["human", "baseline", "model", "file"]), name="system_kind_known"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("system", args=[self.pk])


class Decoding(models.Model):
    """One pass of a system over a split with fixed settings. Immutable, and invisible until complete."""

    system = models.ForeignKey(System, models.PROTECT, related_name="decodings", db_index=False)
    dataset = models.ForeignKey(Dataset, models.CASCADE, related_name="decodings")
    split = models.CharField(max_length=8, choices=Split)
    settings = models.JSONField(default=dict)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of the settings, and of the weights or the file")
    imported_by = models.ForeignKey(Import, models.CASCADE, null=True, blank=True, related_name="decodings")
    sentences_of = models.ForeignKey(
        "self",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="stories",
        help_text="the decoding whose sentences its stories are put together from",
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    completed_at = models.DateTimeField(null=True, blank=True)

    objects = DecodingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["system", "dataset", "split", "fingerprint"], name="decoding_once"),
            models.CheckConstraint(
                condition=Q(split__in=["train", "feedback", "valid", "test"]), name="decoding_split_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.system} on {self.dataset}/{self.split}"

    @property
    def search(self) -> str:
        """How likely texts were searched for, "greedy" or "beam"; nothing where texts were drawn, or are not a
        model's."""
        method: str = self.settings.get("method", SAMPLED)
        return "" if method == SAMPLED else method

    @property
    def row_name(self) -> str:
        """What a row of its scores is called: "gru" of texts drawn from the model, "gru, greedy" of others; models that
        wrote with it and how texts were reranked are named too. No name of a system holds a comma."""
        others = " and ".join(sorted(self.settings.get("ensemble", ())))
        order = self.settings.get("rerank", "none")
        with_others, reranked = others and f"with {others}", "" if order == "none" else f"reranked by {order}"
        return ", ".join(filter(None, [str(self.system), with_others, self.search, reranked]))


class Output(models.Model):
    """One text of a decoding for one source; `rank` 0 is the one a campaign or a report takes."""

    decoding = models.ForeignKey(Decoding, models.CASCADE, related_name="outputs", db_index=False)
    source = models.ForeignKey(Source, models.CASCADE, related_name="outputs")
    rank = models.PositiveSmallIntegerField(default=0)
    text = models.TextField(blank=True)
    logprob = models.FloatField(null=True, blank=True, help_text="sum over tokens, nats")
    sentence = models.ForeignKey(
        StorySentence,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="the reference it quotes; of a story its first",
    )

    objects = OutputQuerySet.as_manager()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["decoding", "source", "rank"], name="output_once")]

    def __str__(self) -> str:
        return self.text


class Metric(models.Model):
    """What a metric is, as the scoring job tells it."""

    class Level(models.TextChoices):
        CORPUS = "corpus", "corpus level"
        TEXTS = "texts", "mean over texts"

    name = models.CharField(max_length=40, primary_key=True)
    description = models.CharField(max_length=200)
    level = models.CharField(max_length=6, choices=Level)
    less_is_better = models.BooleanField(default=False)
    reads_training_stories = models.BooleanField(default=False, help_text="so that other ones end its scores")
    order = models.PositiveSmallIntegerField(help_text="where metrics are listed")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(name="") & ~Q(description=""), name="metric_is_described"),
            models.CheckConstraint(condition=Q(level__in=["corpus", "texts"]), name="metric_level_known"),
        ]

    def __str__(self) -> str:
        return self.name


class Measured(models.Model):
    """A value by a metric. It never travels without its signature, which names the metric's version and settings, nor
    without the part of the sources that it is of, where that is not all of them."""

    metric = models.ForeignKey(Metric, models.PROTECT, related_name="%(class)ss")
    signature = models.CharField(max_length=300)
    sources = models.PositiveIntegerField(null=True, blank=True, help_text="how many it is of, where it is of a part")
    of_sources = models.PositiveIntegerField(null=True, blank=True, help_text="how many there are")
    value = models.FloatField()
    ci_low = models.FloatField(null=True, blank=True)
    ci_high = models.FloatField(null=True, blank=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(condition=~Q(signature=""), name="%(class)s_has_signature"),
            models.CheckConstraint(
                condition=Q(sources=None, of_sources=None)
                | Q(sources__isnull=False, of_sources__isnull=False, sources__lte=F("of_sources")),
                name="%(class)s_part",
            ),
        ]

    @property
    def part(self) -> tuple[int, int] | None:
        return None if self.sources is None or self.of_sources is None else (self.sources, self.of_sources)

    @property
    def signed(self) -> str:
        """The signature with the part, as people read it."""
        return f"{self.signature}|sources:{self.sources}of{self.of_sources}" if self.part else self.signature


class Score(Measured):
    """A metric's value for a decoding; with a campaign, on that campaign's items alone."""

    decoding = models.ForeignKey(Decoding, models.CASCADE, related_name="scores")
    campaign = models.ForeignKey("Campaign", models.CASCADE, null=True, blank=True, related_name="scores")
    by_item = models.JSONField(
        null=True, blank=True, help_text="of each text, by its item's position, null where it has none"
    )
    by_item_signature = models.CharField(max_length=300, blank=True, help_text="where it is another")

    class Meta(Measured.Meta):
        constraints = [
            *Measured.Meta.constraints,
            models.CheckConstraint(
                condition=Q(campaign__isnull=False) | Q(by_item=None), name="score_by_item_of_campaign"
            ),
            models.UniqueConstraint(
                fields=["decoding", "metric", "signature"],
                condition=Q(campaign=None),
                name="score_of_decoding_once",
            ),
            models.UniqueConstraint(
                "decoding",
                "campaign",
                "metric",
                "signature",
                Coalesce("sources", 0),
                condition=Q(campaign__isnull=False),
                name="score_in_campaign_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.metric_id} {self.value:.4g}"


class ScoreDifference(Measured):
    """By how much two decodings differ in a metric on a campaign's items, by the paired bootstrap: `one` − `other`."""

    campaign = models.ForeignKey("Campaign", models.CASCADE, related_name="score_differences")
    one = models.ForeignKey(Decoding, models.CASCADE, related_name="+")
    other = models.ForeignKey(Decoding, models.CASCADE, related_name="+")
    p = models.FloatField(null=True, blank=True, help_text="two-sided")
    p_sacrebleu = models.FloatField(null=True, blank=True, help_text="as sacrebleu prints it, nearly one-sided")

    class Meta(Measured.Meta):
        constraints = [
            *Measured.Meta.constraints,
            models.UniqueConstraint(fields=["campaign", "metric", "one", "other"], name="score_difference_once"),
        ]

    def __str__(self) -> str:
        return f"{self.metric_id} {self.value:+.4g}"
