"""Settings of a training, a decoding, a classifier, a reward model, and the presets of trainings."""

from modeling.configs.decoding import REWARD, DecodingConfig
from modeling.configs.judges import EMBEDDINGS, RewardConfig, SentenceCnnConfig
from modeling.configs.presets import load_preset, preset_data, preset_names
from modeling.configs.settings import AUTO, Config
from modeling.configs.training import (
    ARCHITECTURES,
    BEGINS_PRETRAINED,
    BETA,
    CAUSAL,
    FEEDBACK_OBJECTIVES,
    LEARNS_FROM,
    LIKELIHOOD,
    PRETRAINED,
    SHAPE,
    SIMPO_BETA,
    WITHOUT_ATTENTION,
    TrainingConfig,
)
from modeling.errors import ConfigError

__all__ = [
    "ARCHITECTURES",
    "AUTO",
    "BEGINS_PRETRAINED",
    "BETA",
    "CAUSAL",
    "EMBEDDINGS",
    "FEEDBACK_OBJECTIVES",
    "LEARNS_FROM",
    "LIKELIHOOD",
    "PRETRAINED",
    "REWARD",
    "SHAPE",
    "SIMPO_BETA",
    "WITHOUT_ATTENTION",
    "Config",
    "ConfigError",
    "DecodingConfig",
    "RewardConfig",
    "SentenceCnnConfig",
    "TrainingConfig",
    "load_preset",
    "preset_data",
    "preset_names",
]
