"""What every part of a report is made of."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator

from annotations import reasons

Interval = tuple[float, float]


def read_reason(value: reasons.Reason | Mapping[str, Any]) -> reasons.Reason:
    return value if isinstance(value, reasons.Reason) else reasons.Reason(value["code"], **value["facts"])


Reason = Annotated[reasons.Reason, PlainValidator(read_reason), PlainSerializer(reasons.as_json)]


class Part(BaseModel):
    """A part of a report: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Estimate(Part):
    """A value with its interval, or why there is none."""

    value: float | None
    ci: Interval | None
    undefined: Reason | None = None
