"""What the user can do wrong. Every message says what, where, and what would be right."""


class ModelingError(ValueError):
    """Base of the errors below; the command line prints its message as one line."""


class ConfigError(ModelingError):
    """An unknown setting or a value that it cannot take: `problem` says why, of the setting `field` where it is one."""

    def __init__(self, problem: str, field: str = "", value: object = None) -> None:
        super().__init__(f"{field}={value}: {problem}" if field else problem)
        self.field, self.problem = field, problem


class FetchError(ModelingError):
    """A pretrained model that cannot be fetched, or that is not the one that was asked for."""


class CorpusError(ModelingError):
    """A line of a JSONL file that is not an example, or a text that cannot be encoded."""


class TooLongError(CorpusError):
    """A text of more tokens than a model takes."""


class CheckpointError(ModelingError):
    """A checkpoint that is incomplete, altered, or belongs to another training."""


class DamagedError(CheckpointError):
    """A checkpoint with a file that is missing or is not what its manifest says, as one that was cut short."""


class TrainingError(ModelingError):
    """A training that cannot go on, such as one whose loss is not a number."""


class PeerError(TrainingError):
    """Another process of the same training has failed and says why, so that this one ends without a word."""


class DecodingError(ModelingError):
    """Sources that cannot be decoded, named by their ids, or an engine that cannot do what is asked for."""


class AttentionError(ModelingError):
    """Attention that cannot be drawn: the model has none, or no such head."""


class ScoringError(ModelingError):
    """Outputs and references that cannot be compared, named by their ids."""


class WordVectorsError(ModelingError):
    """A file of word vectors that cannot be read, named by file and line or byte."""
