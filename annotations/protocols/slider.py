"""A number from 0 to 100 for every candidate, by each criterion. A slider that was not touched is no answer."""

from annotations.protocols.base import Scored


class Slider(Scored):
    name = "slider"
    level = "interval"
    scale = (0.0, 100.0)
    shown_here = True
