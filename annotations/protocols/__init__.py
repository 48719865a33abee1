"""How an item is answered: a folder for each protocol, which is found by being here."""

from importlib import import_module
from pkgutil import iter_modules

from annotations.errors import InputError, NotFoundError
from annotations.protocols.base import NO_TEXTS, TIE, AnyProtocol, Protocol, Rules

DEFAULT = "slider"


def protocols_in(folders: list[str]) -> dict[str, AnyProtocol]:
    """Of the folders in these folders, by name, the default first: the class that each defines."""
    packages = [module.name for module in iter_modules(folders) if module.ispkg]
    found: dict[str, AnyProtocol] = {}
    for package in sorted(packages, key=lambda name: (name != DEFAULT, name)):
        module = import_module(f"{__name__}.{package}")
        kinds = [
            each for each in vars(module).values() if isinstance(each, type) and each.__module__ == module.__name__
        ]
        found |= {kind.name: kind() for kind in kinds if issubclass(kind, Protocol)}
    return found


PROTOCOLS = protocols_in(__path__)


def protocol_named(name: str) -> AnyProtocol:
    if name not in PROTOCOLS:
        raise NotFoundError("protocol", f"'{name}' is not one of {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]


def protocol_of_scores(*, whole: bool, low: float, high: float) -> AnyProtocol:
    """Which protocol gives such scores: the one that takes the fewest kinds of them."""
    return next(each for each in reversed(PROTOCOLS.values()) if each.takes_scores(whole=whole, width=high - low))


def protocol_of_choices() -> AnyProtocol:
    """Which protocol gives choices between two texts."""
    return next(each for each in PROTOCOLS.values() if each.takes_choices())


def shown_here() -> list[str]:
    return [name for name, protocol in PROTOCOLS.items() if protocol.shown_here]


def with_points() -> dict[str, int]:
    """The protocols whose scale a campaign can choose, with how many points it can have."""
    return {name: protocol.most_points for name, protocol in PROTOCOLS.items() if protocol.most_points}


def with_ties() -> list[str]:
    """The protocols of which a campaign can choose whether texts may be called equal."""
    return [name for name, protocol in PROTOCOLS.items() if protocol.may_tie]


def with_categories() -> list[str]:
    """The protocols of which a campaign can name the categories of errors."""
    return [name for name, protocol in PROTOCOLS.items() if protocol.categories]


def check_shown_here(name: str) -> None:
    """Raises InputError for a protocol that raters cannot be shown here."""
    if name not in shown_here():
        known = " (ratings of such a study run elsewhere can be imported)" if name in PROTOCOLS else ""
        raise InputError(
            "protocol", f"'{name}' cannot be shown to raters{known}", f"available: {', '.join(shown_here())}"
        )


__all__ = [
    "DEFAULT",
    "NO_TEXTS",
    "PROTOCOLS",
    "TIE",
    "AnyProtocol",
    "Protocol",
    "Rules",
    "check_shown_here",
    "protocol_named",
    "protocol_of_choices",
    "protocol_of_scores",
    "protocols_in",
    "shown_here",
    "with_categories",
    "with_points",
    "with_ties",
]
