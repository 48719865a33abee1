"""The formats of files that can be imported: a file each, and a line here."""

from workers.formats.import_format import ImportFormat
from workers.formats.outputs import Outputs
from workers.formats.pairs import Pairs
from workers.formats.ratings import Ratings
from workers.formats.vist import Vist

FORMATS: dict[str, ImportFormat] = {each.name: each for each in (Vist(), Pairs(), Outputs(), Ratings())}
