"""Forms of the researcher's pages."""

from typing import Any

from django import forms

from annotations.errors import InputError
from annotations.fields import NameField
from annotations.importing.campaign_file import LONGEST_TEXT, MOST_LOOKS, SPLIT_OF, CampaignSpec
from annotations.models import Campaign, Dataset, Rater, System
from annotations.protocols import SHOWN_HERE
from annotations.protocols.labels import LABELS
from annotations.services.erasing import identities
from annotations.services.raters import check_outside_id

PLACE = "form"


class CampaignForm(forms.Form):
    """The keys of a campaign file, one field each; the split follows from the purpose.

    `further` are the fields under "More settings".
    """

    further = (
        *(
            "own_criteria",
            "primary",
            "equivalence_margin",
            "family",
            "looks",
            "spending",
            "minimum_answers",
            "seed",
            "protocol",
            "unit",
        ),
        *("instructions", "consent"),
    )

    name = NameField(help_text="Raters do not see it.")
    purpose = forms.ChoiceField(
        choices=Campaign.Purpose.choices, widget=forms.RadioSelect, initial=Campaign.Purpose.EVALUATION
    )
    dataset = forms.ModelChoiceField(
        Dataset.objects.order_by("name"), to_field_name="name", initial=Dataset.objects.newest_name
    )
    systems = forms.ModelMultipleChoiceField(
        System.objects.order_by("kind", "name"),
        to_field_name="name",
        widget=forms.CheckboxSelectMultiple,
        help_text="Two to four read well on a phone. 'caption' competes only where the caption is not shown.",
    )
    show = forms.ChoiceField(
        choices=[
            ("caption", "the caption"),
            ("photo", "the photo"),
            ("both", "photo and caption"),
            ("none", "nothing: the texts alone"),
        ],
        initial="caption",
        label="Raters see of the source",
    )
    protocol = forms.ChoiceField(
        choices=[(name, name) for name in SHOWN_HERE], initial="slider", help_text="How a screen is answered."
    )
    unit = forms.ChoiceField(choices=[("sentence", "sentence")], initial="sentence", help_text="What one text is.")
    criteria = forms.MultipleChoiceField(
        choices=[(name, f"{label.title}: {label.question}") for name, label in LABELS.items()],
        widget=forms.CheckboxSelectMultiple,
        initial=["human_likeness"],
        required=False,
    )
    own_criteria = forms.CharField(
        required=False,
        help_text="Names of your own, with commas between; their scale runs from not at all to entirely.",
    )
    items = forms.IntegerField(min_value=1, initial=100, help_text="Different sources, one screen each.")
    overlap = forms.IntegerField(min_value=1, initial=3, help_text="The largest number of raters per item.")
    minimum_answers = forms.IntegerField(
        min_value=1,
        initial=1,
        label="Answers needed for a completion code",
        help_text="Fewer are enough for a rater who skipped none and has none left.",
    )
    seed = forms.IntegerField(min_value=0, initial=1, help_text="Draws the items, their order, the human's texts.")
    primary = forms.CharField(
        required=False,
        label="Primary contrast",
        help_text="The one difference the campaign is made for: two systems and a criterion, with commas between. It "
        "is tested by itself; all others are adjusted for how many they are.",
    )
    equivalence_margin = forms.FloatField(
        required=False,
        help_text="The largest difference that would not matter, in points of the scale (of choices the distance of a "
        "share won from one half). The report then tests whether two systems differ by less. Empty: it does not.",
    )
    family = forms.ChoiceField(
        choices=Campaign.Family.choices, initial=Campaign.Family.CRITERION, label="Adjusted together"
    )
    looks = forms.IntegerField(
        min_value=1,
        max_value=MOST_LOOKS,
        initial=1,
        label="Looks at the results",
        help_text="At equal shares of the screens, the last after the close. More than one needs a primary contrast, "
        "which then has to pass a boundary at each look, so that looking more often finds nothing by chance.",
    )
    spending = forms.ChoiceField(
        choices=Campaign.Spending.choices, initial=Campaign.Spending.OBRIEN_FLEMING, label="Alpha at the looks"
    )
    instructions = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=LONGEST_TEXT,
        required=False,
        help_text="Read before the first screen, and on request. Empty: the built-in text, in the rater's language.",
    )
    consent = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=LONGEST_TEXT,
        required=False,
        help_text="What raters agree to by beginning. Empty: the built-in text.",
    )

    def clean(self) -> dict[str, Any]:
        """Holds the values against the campaign file's own rules; `cleaned_data["spec"]` is what such a file gives."""
        given = super().clean() or self.cleaned_data
        if self.errors:
            return given
        own, primary = (
            [name.strip() for name in given[key].split(",") if name.strip()] for key in ("own_criteria", "primary")
        )
        values = {
            "name": given["name"],
            "purpose": given["purpose"],
            "dataset": given["dataset"].name,
            "split": SPLIT_OF[given["purpose"]],
            "systems": [system.name for system in given["systems"]],
            "criteria": [*given["criteria"], *own],
            "primary": primary,
            **{key: given[key] for key in ("items", "overlap", "seed", "protocol", "unit", "show", "family")},
            **{key: given[key] for key in ("minimum_answers", "looks", "spending", "instructions", "consent")},
        }
        if given["equivalence_margin"] is not None:
            values["equivalence_margin"] = given["equivalence_margin"]
        try:
            given["spec"] = CampaignSpec.from_mapping(values, PLACE)
        except InputError as error:
            self.add_problem(error)
        return given

    def add_problem(self, error: InputError) -> None:
        """Show a problem at the field whose key it begins with, else above the form."""
        message = str(error).removeprefix(f"{PLACE}: ")
        key, _, rest = message.partition(": ")
        if key in self.fields:
            self.add_error(key, rest)
        else:
            self.add_error(None, message)

    @staticmethod
    def initial_of(spec: CampaignSpec) -> dict[str, Any]:
        """What the form holds for a spec."""
        keys = ("name", "purpose", "dataset", "show", "protocol", "unit", "items", "overlap", "seed", "family")
        rest = ("minimum_answers", "looks", "spending", "equivalence_margin", "instructions", "consent")
        return {
            **{key: getattr(spec, key) for key in (*keys, *rest)},
            "systems": list(spec.systems),
            "criteria": [name for name in spec.criteria if name in LABELS],
            "own_criteria": ", ".join(name for name in spec.criteria if name not in LABELS),
            "primary": ", ".join(spec.primary),
        }


class ExtendForm(forms.Form):
    overlap = forms.IntegerField(min_value=1)


class ExcludeForm(forms.Form):
    """A rater to leave out of the results, or to take in again: the one with this number on the campaign's page."""

    rater = forms.IntegerField(min_value=1, help_text="The number that stands before them under Progress.")
    reason = forms.CharField(
        max_length=300, required=False, help_text="The report gives it. Only needed when a rater is first left out."
    )
    release = forms.BooleanField(
        required=False,
        label="Let others rate their screens",
        help_text="Their part ends, and the places they took are free again.",
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
        raise forms.ValidationError({"rater": f"there is no rater {number}; they are numbered to {raters.count()}"})
    return rater


class EraseForm(forms.Form):
    """A rater to erase, by their number on the campaign's page or by their outside id."""

    rater = forms.IntegerField(
        min_value=1, required=False, help_text="The number that stands before them under Progress."
    )
    outside_id = forms.CharField(
        max_length=200,
        required=False,
        label="Or their id",
        help_text="Of who was given a personal link and has not joined, too.",
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
            raise forms.ValidationError("name a rater, by their number or by their id")
        name = str(rater_numbered(self.campaign, number).public_id) if number else str(outside_id)
        try:
            return given | {"identity": next(iter(identities(name, [self.campaign])), None)}
        except InputError as error:
            raise forms.ValidationError(str(error)) from error


class InviteForm(forms.Form):
    raters = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One id a line, such as a participant number. Each gets a link of their own, on any device, and "
        "nobody joins under the id without it.",
    )

    def clean_raters(self) -> list[str]:
        ids = list(dict.fromkeys(line.strip() for line in self.cleaned_data["raters"].splitlines() if line.strip()))
        try:
            return [check_outside_id(each) for each in ids]
        except InputError as error:
            raise forms.ValidationError(str(error)) from error
