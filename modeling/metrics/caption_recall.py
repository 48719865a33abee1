from __future__ import annotations

from modeling.metrics.content_words import content_words
from modeling.metrics.metric import Need
from modeling.metrics.texts import MeanOfTexts, Texts


class CaptionRecall(MeanOfTexts):
    """CommonGen's coverage (Lin et al. 2020, section 4.1) of a source's words, singular for plural, in place of given
    concepts. Undefined where no source has a content word."""

    name = "caption_recall"
    description = "share of the caption's content words that the output contains; best close to the human value"
    needs = frozenset({Need.CAPTIONS})
    plotted_by_length = True

    def values(self, texts: Texts) -> tuple[list[float | None], dict[str, object]]:
        wanted = [content_words(segment.source or "") for segment in texts.segments]
        shares = [
            len(words & content_words(output)) / len(words) if words else None
            for words, output in zip(wanted, texts.outputs, strict=True)
        ]
        return shares, {"captions": sum(map(bool, wanted))}
