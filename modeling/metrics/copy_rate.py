from __future__ import annotations

from functools import lru_cache

from modeling.metrics.metric import Need
from modeling.metrics.texts import MeanOfTexts, Texts
from modeling.text import normalize


class CopyRate(MeanOfTexts):
    name = "copy_rate"
    description = "share of outputs that repeat a training sentence word for word"
    less_is_better = True
    needs = frozenset({Need.TRAINING_STORIES})

    def values(self, texts: Texts) -> tuple[list[float], dict[str, object]]:
        stories = normalized(texts.training_stories)
        return [float(output in stories) for output in texts.outputs], {"stories": len(stories)}


@lru_cache(maxsize=1)
def normalized(stories: tuple[str, ...]) -> frozenset[str]:
    """Kept for the next system that is scored beside the same stories."""
    return frozenset(map(normalize, stories)) - {""}
