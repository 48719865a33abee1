"""The questions of the Human Evaluation Datasheet 3.0 (Belz and Thomson 2025), by their numbers, in our own words."""

from typing import NamedTuple


class Section(NamedTuple):
    """Questions by number. Section 4 is asked for every criterion, the others once."""

    number: str
    title: str
    questions: dict[str, str]


SECTIONS = (
    Section(
        "1",
        "Publication, resources and contact",
        {
            "1.1.1": "Where the experiment is reported",
            "1.1.2": "Which experiment of that report this is",
            "1.2": "Where its resources are",
            "1.3.1.1": "Who fills in this sheet: name",
            "1.3.1.2": "Who fills in this sheet: affiliation",
            "1.3.1.3": "Who fills in this sheet: e-mail",
            "1.3.2.1": "Contact author: name",
            "1.3.2.2": "Contact author: affiliation",
            "1.3.2.3": "Contact author: e-mail",
        },
    ),
    Section(
        "2",
        "Systems",
        {
            "2.1": "Type of input",
            "2.2": "Type of output",
            "2.3": "Task",
            "2.4": "Languages of the input",
            "2.5": "Languages of the output",
        },
    ),
    Section(
        "3",
        "Sample of outputs, evaluators, design",
        {
            "3.1.1": "Outputs evaluated of each system",
            "3.1.2": "How they were selected",
            "3.1.3.1": "Power analysis: method",
            "3.1.3.2": "Power analysis: result",
            "3.1.3.3": "Power analysis: code",
            "3.2.1": "Number of evaluators whose answers count",
            "3.2.2.1": "Whether they are experts of the domain",
            "3.2.2.2": "Whether they were paid",
            "3.2.2.3": "Whether the authors knew any of them before",
            "3.2.2.4": "Whether any of them ran the experiment",
            "3.2.3": "How they were recruited",
            "3.2.4": "Training and practice before the first answer",
            "3.2.5": "What else is known of them",
            "3.3.1": "Preregistration",
            "3.3.2": "Medium by which answers were collected",
            "3.3.3.1": "Kinds of quality assurance",
            "3.3.3.2": "The methods of each kind",
            "3.3.4.1": "Where the form can be seen",
            "3.3.4.2": "What evaluators see while they answer",
            "3.3.5": "How free they are in when and how fast they answer",
            "3.3.6": "Whether they are told that they can ask or comment",
            "3.3.7": "Conditions under which they answer",
            "3.3.8": "How those conditions vary",
        },
    ),
    Section(
        "4",
        "Quality criterion",
        {
            "4.1.1": "Kind of quality: correctness, goodness or feature",
            "4.1.2": "What of the output is judged: form, content or both",
            "4.1.3": "Judged in its own right, against the input, or against something outside",
            "4.2.1": "Objective or subjective",
            "4.2.2": "Absolute or relative",
            "4.2.3": "Intrinsic or extrinsic",
            "4.3.1.1": "Name of the criterion as evaluators see it",
            "4.3.1.2": "Its name in a standard set of criteria",
            "4.3.2": "Definition as evaluators see it",
            "4.3.3": "Number of values of the scale",
            "4.3.4": "Values of the scale",
            "4.3.5": "How the scale is presented",
            "4.3.6": "Task, where there is no scale",
            "4.3.7": "Question as evaluators see it, word for word",
            "4.3.8": "Form of response",
            "4.3.9": "How answers become reported scores",
            "4.3.10": "Effect size and significance",
            "4.3.11.1": "Agreement between evaluators: method",
            "4.3.11.2": "Agreement between evaluators: value",
            "4.3.12.1": "Agreement of evaluators with themselves: method",
            "4.3.12.2": "Agreement of evaluators with themselves: value",
        },
    ),
    Section(
        "5",
        "Ethics",
        {
            "5.1": "Committee that approved it",
            "5.2": "Personal data in outputs or answers",
            "5.3": "Special categories of personal data",
            "5.4": "Impact assessments",
        },
    ),
)
BY_CRITERION = "4"  # the section that is filled in for every criterion
