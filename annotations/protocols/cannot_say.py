"""That a rater cannot judge a screen by a criterion: any protocol takes it as an answer, where the campaign does."""

from collections.abc import Collection, Mapping, Sequence

from annotations.protocols.base import AnyProtocol
from annotations.protocols.criteria import Criterion

FIELD = ":cannot_say"  # behind the criterion, in the name of a field


def answers(protocol: AnyProtocol, fields: Mapping[str, str]) -> Mapping[str, object]:
    """What was sent, of the fields of the page's form that are filled: null by a criterion that was declined."""
    declined = [name.removesuffix(FIELD) for name in fields if name.endswith(FIELD)]
    judged = {name: value for name, value in fields.items() if name.rpartition(":")[0] not in declined}
    return {**protocol.answers(judged), **dict.fromkeys(declined)}


def apart(given: object, may: Collection[str]) -> tuple[object, set[str]]:
    """What was sent without the criteria that were declined, and these."""
    if not isinstance(given, Mapping):
        return given, set()
    declined = {criterion for criterion in may if criterion in given and given[criterion] is None}
    return {criterion: answer for criterion, answer in given.items() if criterion not in declined}, declined


def fields(stored: Mapping[str, object], criteria: Sequence[str]) -> dict[str, str]:
    """The page's fields of the criteria that were declined: a stored answer has nothing by them."""
    return {f"{criterion}{FIELD}": "1" for criterion in criteria if criterion not in stored}


def titles(fields: Mapping[str, str], criteria: Sequence[Criterion]) -> list[str]:
    """What the criteria are called that the page's fields decline."""
    return [criterion.label.title for criterion in criteria if f"{criterion.name}{FIELD}" in fields]
