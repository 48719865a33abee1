"""Estimates as a report has them."""

from annotations.reports.schema.base import Estimate, Interval
from annotations.statistics import estimate


def estimate_of(found: estimate.Estimate) -> Estimate:
    return Estimate(value=found.value, ci=found.interval, undefined=found.undefined)


def interval_of(low: float | None, high: float | None) -> Interval | None:
    return None if low is None or high is None else (low, high)
