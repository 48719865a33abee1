"""The questions of the Human Evaluation Datasheet 3.0 (Belz and Thomson 2025), by their numbers, in our own words."""

from typing import NamedTuple

from annotations.documents.blocks import Code, Inline, Run


class Questions(NamedTuple):
    """A section: its questions by number. Section 4 is asked for every criterion, the others once."""

    number: str
    title: str
    questions: dict[str, str]


SECTIONS = (
    Questions(
        "1",
        "Publication, resources and contact",
        {
            "1.1.1": "Where the experiment is reported",
            "1.1.2": "Which experiment of that report this is",
            "1.2": "Where its resources can be found",
            "1.3.1.1": "Person filling in this sheet: name",
            "1.3.1.2": "Person filling in this sheet: affiliation",
            "1.3.1.3": "Person filling in this sheet: e-mail",
            "1.3.2.1": "Contact author: name",
            "1.3.2.2": "Contact author: affiliation",
            "1.3.2.3": "Contact author: e-mail",
        },
    ),
    Questions(
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
    Questions(
        "3",
        "Sample of outputs, evaluators, design",
        {
            "3.1.1": "Outputs evaluated per system",
            "3.1.2": "How they were selected",
            "3.1.3.1": "Power analysis: method",
            "3.1.3.2": "Power analysis: result",
            "3.1.3.3": "Power analysis: code",
            "3.2.1": "Number of evaluators whose answers count",
            "3.2.2.1": "Whether they are domain experts",
            "3.2.2.2": "Whether they were paid",
            "3.2.2.3": "Whether the authors knew any of them before",
            "3.2.2.4": "Whether any of them ran the experiment",
            "3.2.3": "How they were recruited",
            "3.2.4": "Training and practice before the first answer",
            "3.2.5": "What else is known about them",
            "3.3.1": "Preregistration",
            "3.3.2": "Medium by which responses were collected",
            "3.3.3.1": "Types of quality assurance",
            "3.3.3.2": "The methods of each type",
            "3.3.4.1": "Where the form can be seen",
            "3.3.4.2": "What evaluators see while they answer",
            "3.3.5": "How free they are to decide when and how fast to answer",
            "3.3.6": "Whether they are told that they can ask or comment",
            "3.3.7": "Conditions under which they answer",
            "3.3.8": "How those conditions vary",
        },
    ),
    Questions(
        "4",
        "Quality criterion",
        {
            "4.1.1": "Kind of quality: correctness, goodness or feature",
            "4.1.2": "Aspect of the output that is judged: form, content or both",
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
            "4.3.6": "Task, if there is no scale",
            "4.3.7": "Question as evaluators see it, word for word",
            "4.3.8": "Form of response",
            "4.3.9": "How answers become reported scores",
            "4.3.10": "Effect size and significance",
            "4.3.11.1": "Inter-evaluator agreement: method",
            "4.3.11.2": "Inter-evaluator agreement: value",
            "4.3.12.1": "Intra-evaluator agreement: method",
            "4.3.12.2": "Intra-evaluator agreement: value",
        },
    ),
    Questions(
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


class Missing(NamedTuple):
    """What is left to say where nothing is known, or not all of it, and how the sentence ends for studies run here."""

    what: str
    here: Inline = "."


MISSING = {
    "1.1.1": Missing("the URL of the paper or report, or of the preregistration"),
    "1.1.2": Missing("the sections or tables of the report that are about this experiment"),
    "1.2": Missing(
        "the URL of the outputs, ratings and code, if they are shared",
        Run([". The ratings and a data dictionary can be exported (", Code("export_ratings"), ")."]),
    ),
    "1.3.2.2": Missing("the contact author's affiliation"),
    "1.3.2.3": Missing("the contact author's e-mail"),
    "2.1": Missing("the type of input, and what uploaded systems were actually given"),
    "2.3": Missing("the task that the systems do"),
    "3.1.2": Missing("how the outputs were selected"),
    "3.1.3.1": Missing(
        "whether a power analysis was made, and how", Run([". ", Code("plan_campaign"), " makes one by simulation."])
    ),
    "3.1.3.2": Missing("its result"),
    "3.1.3.3": Missing("the URL of its code"),
    "3.2.3": Missing("how evaluators were recruited and invited"),
    "3.2.4": Missing("any other training"),
    "3.2.5": Missing("what is known about the evaluators", "; the system asks them nothing."),
    "3.3.1": Missing(
        "whether the design was preregistered, and where", Run([". ", Code("preregister"), " makes a sheet for it."])
    ),
    "3.3.3.1": Missing(
        "whether evaluators had to be native speakers or were selected otherwise, and whether answers were checked by "
        "hand"
    ),
    "3.3.4.1": Missing("the URL of screenshots of the form", ". The campaign's preview shows every screen."),
    "3.3.5": Missing("any deadline or other limit that evaluators were given"),
    "3.3.6": Missing("whether evaluators were told that they can ask questions or give feedback, and how"),
    "3.3.7": Missing("where evaluators worked", ". A link works anywhere."),
    "3.3.8": Missing("how the conditions differed", "; device and browser are not recorded."),
    "4.3.1.2": Missing("the name in a standard set of criteria, such as QCET"),
    "5.1": Missing("the committee, or that there was none"),
    "5.2": Missing("whether outputs or answers contain personal data, and how it is handled"),
    "5.3": Missing("whether they contain special categories of personal data"),
}
