"""How an item is answered: one small module each."""

from annotations.errors import NotFoundError
from annotations.protocols.base import Protocol
from annotations.protocols.slider import Slider

PROTOCOLS: dict[str, Protocol] = {protocol.name: protocol for protocol in [Slider()]}


def protocol_named(name: str) -> Protocol:
    if name not in PROTOCOLS:
        raise NotFoundError(f"protocol: '{name}' is not one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


__all__ = ["PROTOCOLS", "Protocol", "protocol_named"]
