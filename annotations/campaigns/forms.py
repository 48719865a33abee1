"""Forms of the researcher's pages."""

from collections.abc import Mapping
from typing import Any

from django import forms
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from annotations.campaigns.models import Campaign, Rater
from annotations.campaigns.outside_ids import check_outside_id
from annotations.campaigns.quality import Quality
from annotations.campaigns.questionnaires import FORMS
from annotations.campaigns.readers.named_items import NamedSource, named_in_lines
from annotations.campaigns.recruiting import SERVICES, Recruiting
from annotations.campaigns.spec import KEYS, QUALITY_KEYS, RECRUITING_KEYS, SPLIT_OF, TABLES, CampaignSpec, choices
from annotations.campaigns.wording_forms import WordingForms
from annotations.corpora.models import Dataset
from annotations.errors import InputError
from annotations.protocols import protocol_named, shown_here
from annotations.protocols.criteria import BUILT_IN
from annotations.storage.fields import NameField
from annotations.systems.models import System
from annotations.web.forms import JsonField, show_problem
from texts.degrading import DEGRADATIONS


def spec_field(key: str, **options: Any) -> forms.Field:
    """The form's field of a key of the campaign file, with the key's words, limits and default."""
    return field_of(CampaignSpec.model_fields[key], KEYS[key], choices_of=key, **options)


def quality_field(key: str, **options: Any) -> forms.Field:
    """The same of a key of its table `quality`, none of which has to be filled."""
    return in_part("Quality control", field_of(Quality.model_fields[key], QUALITY_KEYS[key], required=False, **options))


def recruiting_field(key: str, **options: Any) -> forms.Field:
    """The same of a key of its table `recruiting`."""
    made = field_of(Recruiting.model_fields[key], RECRUITING_KEYS[key], required=False, **options)
    return in_part("Recruiting and pay", made)


def table_values(table: type[BaseModel], name: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What a form's fields of a table hold, but for what is its default."""
    filled = {key: given[f"{name}_{key}"] for key in table.model_fields}
    return {
        key: value
        for key, value in filled.items()
        if value not in (None, "", []) and value != TABLES[name][key].get("default")
    }


def field_of(key_of: FieldInfo, rule: Mapping[str, Any], *, choices_of: str = "", **options: Any) -> forms.Field:
    default = key_of.get_default()
    words = f"{key_of.description or ''}{' Put commas between the names.' if rule['type'] == 'array' else ''}"
    required = default not in (None, "", (), False)
    options = {"label": key_of.title, "help_text": words, "required": required, "initial": default, **options}
    if "enum" in rule or "const" in rule:
        options.setdefault("choices", [(name, name) for name in choices(choices_of)] if choices_of else ())
        return forms.ChoiceField(**options)
    if rule["type"] == "integer":
        return forms.IntegerField(min_value=rule["minimum"], max_value=rule["maximum"], **options)
    if rule["type"] == "boolean":
        return forms.BooleanField(**options)
    if rule["type"] == "number":
        return forms.FloatField(**options)
    return forms.CharField(max_length=rule.get("maxLength"), **options)


def json_field(key: str, example: str) -> forms.Field:
    """The same of a key that is written as JSON, where it is written at all."""
    key_of = CampaignSpec.model_fields[key]
    words = f"{key_of.description} In JSON, such as: {example}"
    made = JsonField(label=key_of.title, help_text=words, required=False)
    return in_part("Questionnaires", made) if key in FORMS else made


def in_part(part: str, made: forms.Field) -> forms.Field:
    """The field, which stands under that heading in "More settings"; fields of a part follow each other."""
    vars(made)["part"] = part
    return made


def names_in(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


class CampaignForm(forms.Form):
    """The keys of a campaign file, one field each; the split follows from the purpose.

    `further` are the fields under "More settings".
    """

    further = (
        "own_criteria", "cannot_say", "comments", "primary", "equivalence_margin", "family", "looks", "spending",
        "screens_per_rater", *(f"quality_{key}" for key in Quality.model_fields), "named_items",
        *(f"recruiting_{key}" for key in Recruiting.model_fields), "minimum_answers",
        *FORMS, "seed", "unseen_albums", "protocol", "points", "ties", "categories", "texts_per_screen", "unit",
        "layout", "instructions", "example", "consent", "minutes",
    )  # fmt: skip

    name = NameField(help_text=CampaignSpec.model_fields["name"].description)
    purpose = spec_field("purpose", choices=Campaign.Purpose.choices, widget=forms.RadioSelect, initial="evaluation")
    dataset = forms.ModelChoiceField(
        Dataset.objects.order_by("name"), to_field_name="name", initial=Dataset.objects.newest_name
    )
    systems = forms.ModelMultipleChoiceField(
        System.objects.order_by("kind", "name"),
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
        help_text=CampaignSpec.model_fields["systems"].description,
    )
    show = spec_field(
        "show",
        choices=[
            ("caption", "the caption"),
            ("photo", "the photo"),
            ("both", "photo and caption"),
            ("none", "nothing: only the texts"),
        ],
    )
    protocol = spec_field("protocol", choices=lambda: [(name, name) for name in shown_here()])
    points = spec_field("points")
    ties = spec_field("ties", initial=True)
    categories = spec_field("categories", initial="")
    texts_per_screen = spec_field("texts_per_screen")
    unit = spec_field("unit")
    layout = spec_field("layout", choices=Campaign.Layout.choices, initial=Campaign.Layout.PARAGRAPH)
    criteria = forms.MultipleChoiceField(
        choices=lambda: [
            (name, f"{label.title}: {label.question}")
            for name, label in ((name, each.label) for name, each in BUILT_IN.items())
        ],
        widget=forms.CheckboxSelectMultiple,
        initial=["human_likeness"],
        required=False,
    )
    own_criteria = forms.CharField(
        required=False,
        help_text="Names of your own criteria, separated by commas. What raters read of them stands below, under Words "
        "of criteria.",
    )
    cannot_say = spec_field("cannot_say", initial="")
    comments = spec_field("comments")
    items = spec_field("items", initial=100)
    overlap = spec_field("overlap")
    screens_per_rater = spec_field("screens_per_rater")
    named_items = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
        required=False,
        help_text="In each line a rater's id, a comma, and the key of a source. These raters join with personal links, "
        "get these items and no others, and a place of each is kept for them.",
    )
    quality_training = quality_field("training")
    quality_qualification = quality_field("qualification")
    quality_qualification_needed = quality_field("qualification_needed")
    quality_degraded = quality_field("degraded")
    quality_degraded_needed = quality_field("degraded_needed")
    quality_degradations = in_part(
        "Quality control",
        forms.MultipleChoiceField(
            label=Quality.model_fields["degradations"].title,
            choices=[(name, name.replace("_", " ")) for name in DEGRADATIONS],
            widget=forms.CheckboxSelectMultiple,
            required=False,
            help_text="None: the first two.",
        ),
    )
    quality_attention = quality_field("attention")
    quality_attention_needed = quality_field("attention_needed")
    quality_attention_text = quality_field("attention_text")
    quality_repeats = quality_field("repeats")
    quality_repeats_needed = quality_field("repeats_needed")
    quality_seconds_per_word = quality_field("seconds_per_word")
    quality_too_fast = quality_field("too_fast")
    quality_same_answers = quality_field("same_answers")
    quality_after = quality_field("after")
    recruiting_service = recruiting_field(
        "service", choices=[(name, title or "by a link") for name, title in SERVICES.items()]
    )
    recruiting_study = recruiting_field("study")
    recruiting_participants = recruiting_field("participants")
    recruiting_completed_code = recruiting_field("completed_code")
    recruiting_screened_out_code = recruiting_field("screened_out_code")
    recruiting_no_consent_code = recruiting_field("no_consent_code")
    recruiting_completed_to = recruiting_field("completed_to")
    recruiting_screened_out_to = recruiting_field("screened_out_to")
    recruiting_no_consent_to = recruiting_field("no_consent_to")
    recruiting_pay = recruiting_field("pay")
    recruiting_pay_screened_out = recruiting_field("pay_screened_out")
    recruiting_pay_withdrawn = recruiting_field("pay_withdrawn")
    recruiting_currency = recruiting_field("currency")
    minimum_answers = spec_field("minimum_answers")
    entry = json_field(
        "entry",
        '[{"id": "reads", "text": "Do you read stories?", "kind": "choice", "options": ["often", "seldom"]}]',
    )
    comprehension = json_field(
        "comprehension",
        '[{"id": "what", "text": "What do you judge?", "options": ["texts", "pictures", "people"], "answer": "texts"}]',
    )
    exit = json_field(
        "exit",
        '[{"id": "hard", "text": "How hard was it?", "kind": "scale", "low": 1, "high": 5, "low_label": "easy", '
        '"high_label": "hard"}, {"id": "more", "text": "Anything else?", "kind": "text", "required": false}]',
    )
    seed = spec_field("seed")
    unseen_albums = spec_field("unseen_albums")
    primary = spec_field("primary", initial="")
    equivalence_margin = spec_field("equivalence_margin")
    family = spec_field("family", choices=Campaign.Family.choices)
    looks = spec_field("looks")
    spending = spec_field("spending", choices=Campaign.Spending.choices)
    instructions = spec_field("instructions", widget=forms.Textarea(attrs={"rows": 5}))
    example = json_field(
        "example",
        '{"source": "a dog on a beach", "texts": ["The dog ran.", "Dog dog."], "answers": {"fluency": '
        '{"A": 90, "B": 5}}, "why": "B is no sentence."}',
    )
    consent = spec_field("consent", widget=forms.Textarea(attrs={"rows": 3}))
    organizer = spec_field("organizer", empty_value=None)
    contact = spec_field("contact", empty_value=None)
    minutes = spec_field("minutes")

    def __init__(self, data: Any = None, *, initial: dict[str, Any] | None = None, anew: bool = False) -> None:
        """With `anew`, a draft that is there, of which no items are named."""
        super().__init__(data, initial=initial)
        if anew:
            del self.fields["named_items"]
        sent = data if data and WordingForms.sent_in(data) else None
        self.words = WordingForms(sent, initial=(initial or {}).get("criterion"), prefix=WordingForms.prefix)

    def clean_named_items(self) -> list[NamedSource]:
        return named_in_lines(self.cleaned_data["named_items"])

    def clean(self) -> dict[str, Any]:
        """Holds the values against the campaign file's own rules; `cleaned_data["spec"]` is what such a file gives."""
        given = super().clean() or self.cleaned_data
        if self.errors:
            return given
        values = {key: given[key] for key in CampaignSpec.model_fields if given.get(key) is not None and key != "ties"}
        words = self.words.tables() if self.words.is_bound else {}
        if words is None:
            self.add_error(None, "Some words of criteria need to be changed: see below.")
            return given
        named = [*given["criteria"], *names_in(given["own_criteria"])]
        values |= {
            "dataset": given["dataset"].name,
            "split": SPLIT_OF[given["purpose"]],
            "systems": [system.name for system in given["systems"]],
            "criteria": [*named, *(name for name in words if name not in named)],
            "criterion": words,
            "quality": table_values(Quality, "quality", given),
            "recruiting": table_values(Recruiting, "recruiting", given),
            "cannot_say": names_in(given["cannot_say"]),
            "primary": names_in(given["primary"]),
            "layout": given["layout"] or None,
            "categories": names_in(given["categories"]) or None,
            **protocol_named(given["protocol"]).options(ties=given["ties"]),
        }
        try:
            given["spec"] = CampaignSpec.from_mapping(values)
        except InputError as error:
            top, _, within = error.field.partition(".")
            if top in (*FORMS, "example") and within:
                error = InputError(top, f"{within}: {error.message}", error.hint)
            for table in TABLES:
                error.field = error.field.replace(f"{table}.", f"{table}_")
            show_problem(self, error)
        return given

    @staticmethod
    def initial_of(spec: CampaignSpec) -> dict[str, Any]:
        """What the form holds for a spec."""
        tables = {
            f"{table}_{key}": value for table in TABLES for key, value in getattr(spec, table).model_dump().items()
        }
        return (
            spec.model_dump(exclude={*TABLES, *FORMS})
            | spec.questionnaires
            | tables
            | {
                "ties": spec.ties is not False,
                "criteria": [name for name in spec.criteria if name in BUILT_IN],
                "own_criteria": ", ".join(name for name in spec.criteria if name not in BUILT_IN),
                "criterion": WordingForms.initial_of(spec.criterion),
                "cannot_say": ", ".join(spec.cannot_say),
                "primary": ", ".join(spec.primary),
                "layout": spec.layout or Campaign.Layout.PARAGRAPH,
                "categories": ", ".join(spec.categories or ()),
            }
        )


class ExtendForm(forms.Form):
    overlap = forms.IntegerField(min_value=1)


class ExcludeForm(forms.Form):
    """A rater to leave out of the results, or to take in again: the one with this number on the campaign's page."""

    rater = forms.IntegerField(min_value=1, help_text="The number shown for them under Raters.")
    reason = forms.CharField(
        max_length=300,
        required=False,
        help_text="It appears in the report. Only needed when a rater is first excluded.",
    )
    release = forms.BooleanField(
        required=False,
        label="Let others rate their screens",
        help_text="Their participation ends, and others can rate their screens.",
    )

    def __init__(self, *args: Any, campaign: Campaign, **options: Any) -> None:
        super().__init__(*args, **options)
        self.campaign = campaign

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if number := given.get("rater"):
            given |= {"number": number, "rater": rater_numbered(self.campaign, number)}
        return given


def rater_numbered(campaign: Campaign, number: int) -> Rater:
    """The rater before whom the campaign's page shows the number, which is always theirs."""
    raters = Rater.objects.filter(campaign=campaign, trial=False).order_by("pk")
    rater = raters[number - 1 : number].first() if number < 2**31 else None
    if rater is None:
        raise forms.ValidationError({"rater": f"there is no rater {number}; raters are numbered 1 to {raters.count()}"})
    return rater


class EraseForm(forms.Form):
    """A rater to erase, by their number on the campaign's page or by their outside id."""

    rater = forms.IntegerField(min_value=1, required=False, help_text="The number shown for them under Raters.")
    outside_id = forms.CharField(
        max_length=200,
        required=False,
        label="Or their outside id",
        help_text="It may be that of a person who was given a personal link and has not joined.",
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    everywhere = forms.BooleanField(required=False)

    def __init__(self, *args: Any, campaign: Campaign, **options: Any) -> None:
        super().__init__(*args, **options)
        self.campaign = campaign

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        number, outside_id = given.get("rater"), given.get("outside_id")
        if self.errors:
            return given
        if bool(number) == bool(outside_id):
            raise forms.ValidationError("give a rater, by number or by id")
        name = str(rater_numbered(self.campaign, number).public_id) if number else str(outside_id)
        return given | {"name": name}


class InviteForm(forms.Form):
    raters = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Personal links for",
        help_text="One id per line, such as a participant number. Each person gets a link of their own, which works on "
        "any device; without it nobody can join under that id.",
    )

    def clean_raters(self) -> list[str]:
        ids = list(dict.fromkeys(line.strip() for line in self.cleaned_data["raters"].splitlines() if line.strip()))
        try:
            return [check_outside_id(each) for each in ids]
        except InputError as error:
            raise forms.ValidationError(error.problem) from error
