from __future__ import annotations

from modeling.metrics.metric import Need
from modeling.metrics.texts import MeanOfTexts, Texts


class RewardMetric(MeanOfTexts):
    """Of texts as they were written, for a reward model normalises by itself. Undefined without one. A system that was
    trained or reranked with the same reward model has learned to please it: this is no measure of that system."""

    name = "reward"
    description = "mean reward by a model learned from raters' judgements, whose zero and unit are its own"
    needs = frozenset({Need.REWARD_MODEL})
    on_request = True
    learned = True

    def values(self, texts: Texts) -> tuple[list[float | None], dict[str, object]]:
        if texts.reward is None:
            return [None] * len(texts.segments), {}
        from modeling.devices import pick_device  # loads torch, as the next
        from modeling.reward import Reward

        reward = Reward.load(texts.reward, pick_device(texts.device))
        rewards = reward.scores([(segment.source or "", segment.output) for segment in texts.segments])
        name = {"model": texts.reward_name} if texts.reward_name else {}
        return rewards.tolist(), name | reward.identity
