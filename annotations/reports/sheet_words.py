"""Words that the datasheet and the preregistration share: what raters see, and what the researcher has to say."""

from annotations.documents.blocks import Inline, Paragraph, Run, Strong

SEEN = {
    "photo": "the photo",
    "caption": "the photo's caption, but not the photo",
    "both": "the photo and its caption",
    "none": "nothing of what the systems were given",
}


def texts_on_a_screen(texts: int) -> str:
    """How many of an item's texts are shown together, 0 being all."""
    return {0: "the texts of an item", 1: "one text of an item"}.get(texts, f"{texts} texts of an item")


def gap(what: Inline) -> Paragraph:
    return Paragraph(Run([Strong("TO BE ANSWERED BY THE RESEARCHER:"), " ", what]), "gap")
