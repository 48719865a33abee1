"""What a campaign asked, of whom, and at which planned analysis."""

from pydantic import JsonValue

from annotations.reports.schema.base import Interval, Part


class About(Part):
    """What was asked, of whom, of what."""

    name: str
    purpose: str
    dataset: str
    split: str
    unit: str
    protocol: str
    show: str
    systems: list[str]
    system_kinds: dict[str, str]
    sources: str | None  # kind of the items' sources
    criteria: list[str]
    quality: list[str]  # the rules of quality control that it declared, in words
    questions: dict[str, list[str]] = {}  # before and after the screens, in words, by what their form is called
    cannot_say: list[str]  # criteria by which raters could say that they cannot judge a screen
    comments: bool  # whether every screen had room for a comment
    criterion_words: dict[str, dict[str, JsonValue]]  # as raters read them, where the campaign has its own
    scale: Interval  # its ends
    ties: bool  # of choices: whether two texts could be called equal
    categories: list[str]  # of errors; empty where raters marked none
    texts_per_screen: int  # 0: those of all systems
    scale_found: bool  # as the range of an import's scores alone
    import_facts: dict[str, JsonValue]  # as `imports.ratings` keeps them
    simulation: dict[str, JsonValue] | None  # of simulated raters: `campaigns.simulation.Simulation`
    instructions: str
    example: dict[str, JsonValue] = {}  # the worked one: `campaigns.example.WorkedExample`; empty where there is none
    consent: str
    organizer: str  # who asked, as raters read it
    contact: str  # whom raters could write to
    minutes: int | None  # that taking part was said to take
    recruiting: str  # how raters were recruited, in a sentence; empty where it was not declared
    pay: str  # what they were paid, likewise
    items: int
    albums: int
    overlap: int  # raters an item, at most
    family: str  # what Holm adjusts together
    looks: int  # declared
    spending: str
    equivalence_margin: float | None
    seed: int
    unseen_albums: bool = False  # whether its albums are ones of which no earlier campaign had shown an item
    screens: int  # planned
    state: str
    interim: bool  # before the close
    imported: bool
    ratings: int
    raters: int
    skipped: int
    withdrawn: int
    began: str | None  # ISO 8601
    ended: str | None


class Look(Part):
    """The declared look that a report is: its number, share of the screens, and boundary as p and as z."""

    number: int
    of: int
    share: float
    p: float
    z: float | None
    spending: str


class LookTaken(Part):
    """A look before the close; without number and boundary where it was not declared."""

    number: int | None
    at: str
    p: float | None


class AskedPart(Part):
    campaign: About
    look: Look | None
    looks_taken: list[LookTaken]
