"""What a generation is asked for: checked before its first run, so that it does not fail after hours at its last."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from annotations.campaigns.services.campaigns import spec_of
from annotations.campaigns.services.choosing import content_choose
from annotations.campaigns.spec import CampaignSpec
from annotations.campaigns.spec_files import campaign_toml
from annotations.errors import ConflictError, InputError
from annotations.feedback.services import FeedbackSettings, check_campaigns
from annotations.models import Campaign, Dataset, FeedbackSet, Item, Split, System
from annotations.names import check_name
from modeling.config import REWARD, SHAPE, DecodingConfig, RewardConfig, TrainingConfig, load_preset
from workers.jobs.decoding import check_given, trained_source
from workers.jobs.training import check_shape, checkpoint_of
from workers.lookup import by_name, system_named
from workers.models import Checkpoint, Generation, RewardModel

HUMAN = "human"
# Keys of a campaign's file that another protocol does not share.
OF_PROTOCOL = (
    *("points", "ties", "categories", "example", "equivalence_margin"),
    *("instructions", "comprehension", "minutes"),
)
LIKE_BEFORE = (*SHAPE, "context")  # settings of the model before that the new one has too


@dataclass(frozen=True)
class Asked:
    """Everything that the steps of a generation go by. `campaign` is the new campaign's file, `likeness` the settings
    that the new model shares with the one before."""

    campaigns: Sequence[str]
    feedback: Mapping[str, Any]
    preset: str
    likeness: Sequence[str]
    training: Sequence[str]
    reward: bool
    best_of: int
    decoding: Sequence[str]
    campaign: str
    queue: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def of(cls, generation: Generation) -> Self:
        return cls(**generation.config)

    @property
    def spec(self) -> CampaignSpec:
        return CampaignSpec.from_mapping(tomllib.loads(self.campaign))


def checked_name(name: str) -> str:
    """Raises ConflictError where anything that it would be given to has it already."""
    name = check_name(name, "name")
    for rows, what in (
        (Generation, "generation"),
        (FeedbackSet, "feedback set"),
        (RewardModel, "reward model"),
        (System, "system"),
        (Campaign, "campaign"),
    ):
        if rows._default_manager.filter(name=name).exists():
            raise ConflictError("name", f"{what} '{name}' already exists", "choose another name")
    return name


def campaigns_named(names: Sequence[str], settings: FeedbackSettings) -> list[Campaign]:
    """Raises InputError where one of them cannot feed training, or is not closed yet."""
    rows = [by_name(Campaign.objects.all(), name, "campaign") for name in names]
    if not rows:
        raise InputError("campaigns", "give at least one feedback campaign with --campaign")
    check_campaigns(rows, settings)
    for row in rows:
        if row.state != Campaign.State.CLOSED:
            raise InputError("campaigns", f"campaign '{row.name}' is {row.state}", "close it first")
    return rows


def system_before(name: str | None, campaigns: Sequence[Campaign]) -> System:
    """The system of that name; without one the only trained one of the campaigns."""
    if name:
        return system_named(name)
    shown = Checkpoint.objects.filter(pruned_at=None, system__in=campaigns[0].entries.values("system"))
    names = sorted(shown.values_list("system__name", flat=True))
    if len(names) != 1:
        there = f"it shows several: {', '.join(names)}" if names else "it shows none"
        raise InputError(
            "system", f"name the model to go on from: campaign '{campaigns[0].name}' does not say, {there}"
        )
    return system_named(names[0])


def likeness_of(before: System, preset: str) -> list[str]:
    """The settings of the model before in which it differs from its preset, and what data it was given."""
    config = checkpoint_of(before.name).run.config
    there, plain = TrainingConfig.from_dict(config["training"]), load_preset(preset)
    differing = [name for name in LIKE_BEFORE if getattr(there, name) != getattr(plain, name)]
    data = [f"{key}={config[key]}" for key in ("pairing", "source", "sources")]
    return [*data, *(f"{name}={getattr(there, name)}" for name in differing)]


def check_albums(campaigns: Sequence[Campaign]) -> None:
    """Raises InputError where a reward model could not be fitted, for want of albums."""
    folds = RewardConfig().folds
    rated = Item.objects.filter(campaign__in=campaigns, kind=Item.Kind.REGULAR)
    albums = rated.order_by().values("source__album").distinct().count()
    if albums < folds:
        raise InputError(
            "reward",
            f"the campaigns showed {albums} albums, too few to fit a reward model, which holds out one part in {folds}",
            "go on without a reward model",
        )


def comparison_spec(name: str, campaigns: Sequence[Campaign], before: System, asked: Mapping[str, Any]) -> CampaignSpec:
    """The campaign of the new model, the one before and people: asked as the first of the feedback campaigns was, on
    albums that no campaign has shown, but for what was `asked` for."""
    first = campaigns[0]
    values: dict[str, Any] = {"criteria": list(first.criteria), "show": first.show, "items": first.item_count}
    if not first.imported_by_id:
        values = tomllib.loads(campaign_toml(spec_of(first)))
    asked = {key: value for key, value in asked.items() if value is not None}
    if asked.get("protocol", values.get("protocol")) != values.get("protocol"):
        values = {key: value for key, value in values.items() if key not in OF_PROTOCOL}
    values |= asked
    values |= {
        "name": name,
        "purpose": Campaign.Purpose.EVALUATION.value,
        "dataset": first.dataset.name,
        "split": "test",
        "systems": [HUMAN, before.name, name],
        "unseen_albums": asked.get("unseen_albums", True),
        "primary": [name, before.name, values["criteria"][0]],
        "looks": 1,
    }
    for key in ("texts_per_screen", "recruiting"):  # a study's own codes and places are not another one's
        values.pop(key, None)
    values["minimum_answers"] = min(values.get("minimum_answers", 1), values["items"])
    if "screens_per_rater" in values:
        values["screens_per_rater"] = min(values["screens_per_rater"], values["items"] + first.quality_control.planned)
    return CampaignSpec.from_mapping(values)


def check_sources(spec: CampaignSpec, dataset: Dataset) -> None:
    """Raises InputError where there are too few sources with a text by people; what models write is not there yet."""
    content_choose(spec.model_copy(update={"systems": (HUMAN,)}), dataset)


def best_settings(name: str, best_of: int) -> list[str]:
    """Of a decoding in which the reward model of the name chooses among as many texts."""
    return [f"samples={best_of}", "keep=1", f"rerank={REWARD}{name}"] if best_of > 1 else []


def check_settings(name: str, before: System, dataset: Dataset, asked: Asked) -> None:
    """Raises InputError, or an error of `modeling`, for settings that a later step would refuse, hours on."""
    own = {"init": f"goes on from '{before.name}'"} | ({"reward": "has its own reward model"} if asked.reward else {})
    for key, _, _ in (each.partition("=") for each in asked.training):
        if key in own:
            raise InputError(key, f"cannot be set: the generation {own[key]}", "leave it out")
    model = [each for each in (*asked.likeness, *asked.training) if each.partition("=")[0] not in DATA]
    there = [f"init={before.name}", *([f"reward={name}"] if asked.reward else [])]
    check_shape(before.name, load_preset(asked.preset, ["objective=dpo", *model, *there]))
    decoding = DecodingConfig.from_overrides([*asked.decoding, *best_settings(name, asked.best_of)])
    checkpoint = checkpoint_of(before.name)
    decoding.for_family(checkpoint.run.config["training"]["architecture"])
    check_given(dataset, Split.TEST, trained_source(checkpoint))


DATA = ("pairing", "source", "sources")
