"""How an item is answered: one small module each."""

from annotations.errors import InputError, NotFoundError
from annotations.protocols.base import Protocol
from annotations.protocols.likert import Likert
from annotations.protocols.pairwise import Pairwise
from annotations.protocols.slider import Slider

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in [Slider(), Likert(), Pairwise()]}
SHOWN_HERE = tuple(name for name, protocol in PROTOCOLS.items() if protocol.shown_here)


def protocol_named(name: str) -> Protocol:
    if name not in PROTOCOLS:
        raise NotFoundError(f"protocol: '{name}' is not one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def check_shown_here(name: str, place: str = "protocol") -> None:
    """Raises InputError for a protocol that raters cannot be shown here."""
    if name not in SHOWN_HERE:
        known = " (ratings of such a study run elsewhere can be imported)" if name in PROTOCOLS else ""
        raise InputError(f"{place}: '{name}' cannot be shown to raters{known}; there is: {', '.join(SHOWN_HERE)}")


__all__ = ["PROTOCOLS", "SHOWN_HERE", "Protocol", "check_shown_here", "protocol_named"]
