"""A report as a Human Evaluation Datasheet: every question of HEDS 3.0 by its number, answered as far as the system
knows the answer, and marked where it does not."""

import re
from collections.abc import Mapping
from statistics import median
from typing import Any, NamedTuple

from django.utils import translation

from annotations.protocols.labels import LABELS, label_of
from annotations.reports.heds_questions import BY_CRITERION, SECTIONS
from annotations.reports.markdown import GAP, gap, plain, quoted
from annotations.reports.scales import scale_is_found
from annotations.reports.scope import populations
from annotations.reports.words import declared_sentence
from annotations.statistics.raters import FEWEST_PAIRS, PASS

Report = Mapping[str, Any]
SEEN = {
    "photo": "the photo",
    "caption": "the photo's caption, and not the photo",
    "both": "the photo and its caption",
    "none": "nothing of what the systems were given",
}
INPUTS = {
    "caption": "A sentence: the caption of a photo.",
    "photo": "A photo.",
    "sequence": "A sequence of photos.",
}
UNITS = {
    "sentence": "Text: a sentence for each source.",
    "story": "Text: a story of several sentences for each source.",
}
KINDS = {
    "human": "people, whose reference texts stand among the outputs",
    "baseline": "a baseline",
    "model": "a model trained on this site",
    "file": "uploaded outputs",
}


class Instrument(NamedTuple):
    """How a protocol asks."""

    presented: str
    response: str
    relative: bool


INSTRUMENTS = {
    "slider": Instrument("A slider.", "Direct estimation of quality.", False),
    "likert": Instrument("Options, of which one is chosen.", "Direct estimation of quality.", False),
    "pairwise": Instrument("Options, of which one is chosen.", "Relative estimation of quality.", True),
}

# What is left to say where nothing is known, or not all of it.
GAPS = {
    "1.1.1": "the address of the paper or report, or of the preregistration.",
    "1.1.2": "the sections or tables of the report that are about this experiment.",
    "1.2": "the address of the outputs, ratings and code, if they are shared. The ratings and what their columns mean "
    "can be exported (`export_ratings`).",
    "2.1": "the type of input, and what uploaded systems were really given.",
    "2.3": "the task that the systems do.",
    "3.1.2": "how the outputs were selected.",
    "3.1.3.1": "whether a power analysis was made, and how. `plan_campaign` makes one by simulation.",
    "3.1.3.2": "its result.",
    "3.1.3.3": "the address of its code.",
    "3.2.3": "how evaluators were found and invited.",
    "3.2.4": "any training besides.",
    "3.2.5": "what is known of the evaluators; the system asks them nothing.",
    "3.3.1": "whether the design was preregistered, and where. `preregister` makes a sheet for it.",
    "3.3.3.1": "whether evaluators had to be native speakers or were selected otherwise, and whether answers were "
    "checked by hand.",
    "3.3.4.1": "the address of pictures of the form. The campaign's preview shows every screen.",
    "3.3.5": "any deadline or other limit that evaluators were given.",
    "3.3.6": "whether evaluators were told that they can ask questions or give feedback, and how.",
    "3.3.7": "where evaluators worked. A link works anywhere.",
    "3.3.8": "how the conditions differed; device and browser are not recorded.",
    "4.3.1.2": "the name in a standard set of criteria, such as QCET.",
    "5.1": "the committee, or that there was none.",
    "5.2": "whether outputs or answers hold personal data, and how it is handled.",
    "5.3": "whether they hold special categories of personal data.",
}
ABOUT_THE_SITE = re.compile(r"[.;] ")  # what follows in the gaps
# Where what is known is not the whole answer.
IN_PART = {"1.1.2", "2.1", "3.2.4", "3.3.3.1", "3.3.5", "3.3.6", "5.2"}


def report_heds(report: Report) -> str:
    campaign = report["campaign"]
    parts, left, count = [], [], 0
    with translation.override("en"):
        for section in SECTIONS:
            criteria = list(report["criteria"]) if section.number == BY_CRITERION else [None]
            for criterion in criteria:
                known = study(report) if criterion is None else criterion_answers(report, criterion)
                about = "" if criterion is None else f": {plain(label_of(criterion).title)}"
                parts.append(f"## {section.number}. {section.title}{about}")
                for number, question in section.questions.items():
                    said = answer(number, known, imported=campaign.get("imported", False))
                    count += 1
                    if GAP in said:
                        left.append(number if criterion is None else f"{number} ({plain(criterion)})")
                    parts.append(f"### {number} {question}\n\n{said}")
    state = "an early look" if campaign["interim"] else "a closed campaign"
    head = [
        f"# Human Evaluation Datasheet: {plain(campaign['name'])}",
        "The numbers are those of the questions of HEDS 3.0 (Belz and Thomson 2025, arXiv 2412.07940), which are put "
        "shortly here; their wording is at https://nlp-heds.github.io. Answers are made from the report of "
        f"{state}, and say nothing that the system does not know.",
        f"**{len(left)} of {count} answers are left to the researcher, wholly or in part:** {', '.join(left)}.",
    ]
    return "\n\n".join([*head, *parts, f"## Method\n\n{plain(report['method'])}"]) + "\n"


def answer(number: str, known: Mapping[str, str], *, imported: bool) -> str:
    """Of an imported study a gap does not say what this site does."""
    missing = GAPS.get(number, "the system does not know it.")
    missing = gap(f"{ABOUT_THE_SITE.split(missing)[0].rstrip('.')}." if imported else missing)
    if number not in known:
        return missing
    return f"{known[number]}\n\n{missing}" if number in IN_PART else known[number]


def study(report: Report) -> dict[str, str]:
    """What is known of the questions that are asked once, by number."""
    campaign = report["campaign"]
    imported = campaign.get("imported", False)
    known = {
        "1.1.2": experiment(report),
        "3.1.1": outputs(report),
        "3.2.1": evaluators(report),
        "3.3.3.2": quality(report),
    }
    if imported:
        return known
    known["3.3.3.1"] = "Automatic checks."
    if campaign["unit"] in UNITS:
        known["2.2"] = UNITS[campaign["unit"]]
    if campaign.get("sources") in INPUTS:
        known["2.1"] = INPUTS[campaign["sources"]]
    known |= {
        "3.1.2": selection(campaign),
        "3.3.2": "A web page, on the evaluators' own devices or on any that has a browser, or programs through the "
        "site's HTTP interface (Story Blender).",
        "3.3.4.2": form(report),
        "3.3.5": "The site sets no time for a screen or for the whole: evaluators stop and come back as they like "
        f"while the campaign is open, and half answers are kept.{period(campaign)}",
        "3.3.6": "On every screen evaluators can pass on it and say why, in their own words if they like.",
        "5.2": "Answers are stored under a random pseudonym, without a name; a code from outside is kept with it where "
        "evaluators came by one. Evaluators can leave comments where they pass on a screen. Before the first screen "
        f"they agree to {consent(campaign)}.",
    }
    if "instructions" in campaign:
        known["3.2.4"] = training(campaign)
    return known


def experiment(report: Report) -> str:
    campaign = report["campaign"]
    kinds = campaign.get("system_kinds") or {}
    systems = [plain(name) + (f" ({KINDS[kinds[name]]})" if name in kinds else "") for name in campaign["systems"]]
    imported = campaign.get("imported", False)
    split = "" if imported else f", split {plain(campaign['split'])}"
    purpose = "an evaluation" if campaign["purpose"] == "evaluation" else "a campaign to collect feedback"
    return (
        f"The campaign {plain(campaign['name'])}, {purpose}: systems {', '.join(systems)}; criteria "
        f"{', '.join(plain(name) for name in report['criteria'])}; dataset {plain(campaign['dataset'])}{split}; "
        f"{campaign['items']} items.{period(campaign)}"
    )


def period(campaign: Mapping[str, Any]) -> str:
    began, ended = campaign.get("began"), campaign.get("ended")
    return f" The first answer came in on {began[:10]}, the last on {ended[:10]}." if began and ended else ""


def outputs(report: Report) -> str:
    rated: dict[str, int] = {}
    for result in report["criteria"].values():
        for row in result["systems"]:
            rated[row["system"]] = max(rated.get(row["system"], 0), row["items"])
    counts = set(rated.values())
    planned = report["campaign"]["items"]
    if counts == {planned} and len(rated) == len(report["campaign"]["systems"]):
        return f"{planned}, one for each item, the same items for every system."
    by_system = ", ".join(f"{plain(system)} {count}" for system, count in sorted(rated.items())) or "none"
    if report["campaign"].get("imported", False):
        return f"Of {planned} items, rated at least once: {by_system}."
    return f"{planned} were planned, one for each item. Rated at least once: {by_system}."


def selection(campaign: Mapping[str, Any]) -> str:
    seed = f" (seed {campaign['seed']})" if "seed" in campaign else ""
    return (
        f"At random by a program{seed}: {campaign['items']} of the sources of {plain(campaign['dataset'])}/"
        f"{plain(campaign['split'])} for which every system had an output, every photo once before any photo twice. "
        "Every output was then detokenised and cased alike, and a text that several systems wrote was shown once."
    )


def evaluators(report: Report) -> str:
    campaign = report["campaign"]
    left_out = sum(1 for rater in report["raters"] if rater.get("excluded"))
    excluded = f" {left_out} more were excluded." if left_out else ""
    of = "" if campaign.get("imported", False) else f" of {campaign['screens']} planned"
    return (
        f"{len(report['raters']) - left_out}. {campaign['ratings']} screens{of} were answered, each item by at most "
        f"{campaign['overlap']} evaluators.{excluded}"
    )


def training(campaign: Mapping[str, Any]) -> str:
    if not campaign["instructions"]:
        return "The site's own welcome page, which names the criteria with their questions and says what to do."
    return "These instructions, before the first screen and on request:\n\n" + quoted(campaign["instructions"])


def consent(campaign: Mapping[str, Any]) -> str:
    if "consent" not in campaign:
        return "a text about the use of their answers"
    return f"“{plain(campaign['consent'])}”" if campaign["consent"] else "the site's own text about what is stored"


def quality(report: Report) -> str:
    """The checks that were made, and whom they left out."""
    imported = report["campaign"].get("imported", False)
    computed = [
        what
        for key, what in (("seconds", "pace"), ("severity", "severity"), ("agreement", "agreement with the others"))
        if any(rater.get(key) is not None for rater in report["raters"])
    ]
    said = [f"Computed for the evaluators, and excluding nobody: {', '.join(computed)}."] if computed else []
    if imported:
        said.insert(
            0, "How the study assured quality is not known to the system. What follows was done after the import."
        )
    tests = [rater["degraded"] for rater in report["raters"] if (rater.get("degraded") or {}).get("pairs")]
    if tests:
        testable = [test for test in tests if test["passed"] is not None]
        failed = sum(1 for test in testable if not test["passed"])
        said.append(
            "Evaluators were also shown degraded texts (words out of order, cut short, or of another source), and "
            f"tested on whether they score the originals higher (one-sided paired t, p of at most {PASS:.2f}, from "
            f"{FEWEST_PAIRS} pairs): {len(testable)} of {len(report['raters'])} could be tested, and {failed} failed."
        )
    else:
        said.append("The report has no test of evaluators with degraded texts.")
    left_out = [rater["excluded"] for rater in report["raters"] if rater.get("excluded")]
    if left_out:
        said.append(f"Excluded with all their answers: {len(left_out)} ({plain('; '.join(sorted(set(left_out))))}).")
    else:
        said.append("Nobody was excluded.")
    return " ".join(said)


def form(report: Report) -> str:
    campaign = report["campaign"]
    return (
        f"Evaluators see {SEEN[campaign['show']]}; the texts of one item together, under letters and without the names "
        "of their systems, in an order that is drawn with a secret of the campaign so that for every evaluator each "
        "system stands at each place equally often, within one (texts that several systems wrote alike and skipped "
        "screens can widen that); the criteria with their questions; and how far they are. Help can be opened at any "
        "time."
    )


def criterion_answers(report: Report, criterion: str) -> dict[str, str]:
    """What is known of the questions about a criterion, by number."""
    campaign, result = report["campaign"], report["criteria"][criterion]
    agreement, instrument = result["agreement"], INSTRUMENTS.get(campaign["protocol"])
    label, several = label_of(criterion), len(campaign["systems"]) > 1
    choices = bool(result.get("choices"))
    known = {
        "4.3.9": aggregation(choices),
        "4.3.10": significance(report, criterion, choices),
        "4.3.11.1": f"Krippendorff's alpha, {agreement['level']} level, a unit being "
        f"{'two texts, either of which is chosen as often by chance' if choices else 'one text'}; its interval is a "
        "bootstrap over albums.",
        "4.3.11.2": agreement_value(agreement),
        **self_agreement(report),
    }
    if campaign.get("imported", False):
        return known | scale(campaign)
    known["4.2.1"] = "Subjective: evaluators give their own judgement."
    known["4.2.3"] = "Intrinsic: no effect of the texts on anything else is measured."
    if instrument:
        known |= {"4.3.6": "N/A (there is a scale).", "4.3.8": instrument.response} | scale(campaign)
        known["4.3.5"] = instrument.presented
        known["4.2.2"] = "Relative: a screen shows texts of several systems."
        if not instrument.relative:
            known["4.2.2"] += " Each of them gets a score of its own."
            known["4.3.7"] = question(criterion)
        if not several:
            known["4.2.2"] = "Absolute: a screen shows texts of one system."
    known["4.3.1.1"] = f"{plain(label.title)} (in English; the page follows the evaluator's browser)."
    known["4.3.2"] = "No definition is given beside the question (4.3.7) and the instructions (3.2.4)."
    if criterion == "grounding" and campaign["show"] != "none":
        known["4.1.3"] = f"Against what evaluators see of the input: {SEEN[campaign['show']]}."
    return known


def question(criterion: str) -> str:
    label = label_of(criterion)
    asked = f"“{plain(label.question)}”" if criterion in LABELS else f"No question: the name “{plain(label.title)}”"
    return f"{asked}, from “{plain(label.low)}” to “{plain(label.high)}” (in English)."


def scale(campaign: Mapping[str, Any]) -> dict[str, str]:
    if campaign["protocol"] == "pairwise" and campaign.get("imported", False):
        return {}
    if campaign["protocol"] == "pairwise":
        return {"4.3.3": "3.", "4.3.4": "The first text, the second text, a tie."}
    ends = campaign.get("scale") or ([0, 100] if campaign["protocol"] == "slider" else None)
    if ends is None:
        return {}
    low, high = ends
    if campaign.get("imported", False):
        found = f"Scores from {low:g} to {high:g} were found; where the scale ends is not known."
        return {"4.3.4": found if scale_is_found(campaign) else f"From {low:g} to {high:g}, as was said at the import."}
    whole = (
        "" if campaign["protocol"] != "slider" else " A program that rates through the interface may send fractions."
    )
    return {"4.3.3": f"{high - low + 1:g}.{whole}", "4.3.4": f"Whole numbers from {low:g} to {high:g}."}


def aggregation(choices: bool) -> str:
    if choices:
        return (
            "The share of comparisons that a system won, a tie being half, and its worth by a model of paired "
            "comparisons with ties."
        )
    return (
        "The mean over ratings for each system, raw, and standardised by evaluator (z, shrunk). A text that several "
        "systems wrote counts for each."
    )


def significance(report: Report, criterion: str, choices: bool) -> str:
    effect = "the difference of two systems in log-strength" if choices else "the difference of two systems' means"
    primary = report.get("primary")
    declared = "No contrast was declared beforehand for this criterion."
    if report["campaign"].get("imported", False):
        declared = plain(declared_sentence(report))
    elif primary and primary["criterion"] == criterion:
        declared = f"Declared beforehand: {plain(primary['first'])} against {plain(primary['second'])}."
    each = "with" if choices else "each with"
    if not choices:
        effect += ", and beside it the probability of superiority and d_z (the difference in standard deviations)"
    return (
        f"Effect size: {effect}, {each} its 95 % interval {populations(report, criterion)}. {declared} The method in "
        "full stands at the end."
    )


def agreement_value(agreement: Mapping[str, Any]) -> str:
    if agreement["alpha"] is None:
        return f"Undefined: {plain(agreement['undefined'] or '')}."
    ends = agreement["ci"]
    return f"{agreement['alpha']:.3f}" + (f" (95 % interval {ends[0]:.3f} to {ends[1]:.3f})." if ends else ".")


def self_agreement(report: Report) -> dict[str, str]:
    """Of planned repeats; over all criteria together, as the report has it."""
    imported = report["campaign"].get("imported", False)
    found = [rater["consistency"] for rater in report["raters"] if (rater.get("consistency") or {}).get("repeats")]
    if not found:
        why = "no text was rated twice by one evaluator" if imported else "no planned repeats were answered"
        return dict.fromkeys(("4.3.12.1", "4.3.12.2"), f"Not assessed: {why}.")
    what = "Repeated ratings of the same texts" if imported else "Planned repeats"
    method = f"{what}, by {len(found)} evaluators; all criteria together."
    defined = [each["correlation"] for each in found if each["correlation"] is not None]
    apart = [each["mean_difference"] for each in found if each["mean_difference"] is not None]
    alike = [each["within_tolerance"] for each in found if each["within_tolerance"] is not None]
    if not defined and not apart and not alike:
        return {"4.3.12.1": method, "4.3.12.2": "Undefined: too few repeats of any one evaluator."}
    values = []
    if defined:
        values.append(f"median over evaluators of the correlation of first and second score {median(defined):.3f}")
    if apart:
        values.append(f"median over evaluators of the mean distance of the two {median(apart):.2f} points")
    if not apart:
        values.append(f"median over evaluators of the share of the same choices {median(alike):.1%}")
    return {"4.3.12.1": method, "4.3.12.2": f"{'; '.join(values).capitalize()}."}
