"""Writes of photos' pictures: attached to the photos that a dataset has."""

from filecmp import cmp
from typing import Any

from django.conf import settings

from annotations.campaigns.models import Campaign
from annotations.corpora.models import Dataset, Photo
from annotations.corpora.readers.pictures import Pictures
from annotations.errors import ConflictError
from annotations.plurals import counted
from annotations.progress import OnShare
from annotations.storage.bulk import batched, rows_update
from annotations.storage.short_writes import WRITE_BATCH_SIZE, short_write


def pictures_attach(*, dataset: Dataset, pictures: Pictures, update: bool, on_progress: OnShare) -> dict[str, Any]:
    """Give the dataset's photos the folder's pictures. A picture that was moved, or is the same file elsewhere, is
    attached anew; another picture in place of one that is still there needs `update`, and no campaign that shows it.

    Raises ConflictError before anything is written. Returns the folder's counts with `attached` and `replaced`.
    """
    photos = Photo.objects.visible().filter(album__dataset=dataset).order_by("pk")
    rows = list(photos.values_list("pk", "external_id", "image"))
    new: dict[int, str] = {}
    other: dict[int, str] = {}  # photos whose picture would become another one, by what it is called now
    for number, (pk, photo, image) in enumerate(rows, start=1):
        path = pictures.path_of(photo)
        if path and path != image:
            new[pk] = path
            if image and differs(image, path):
                other[pk] = f"photo '{photo}' has {image}"
        if number % 100 == 0:
            on_progress(number / len(rows))
    if other and not update:
        some = "; ".join(list(other.values())[:3])
        have, them = ("has", "it") if len(other) == 1 else ("have", "them")
        raise ConflictError(
            "",
            f"{counted(len(other), 'photos')} already {have} another picture ({some}); --update (on the site: "
            f"Replace existing pictures) replaces {them}",
        )
    if seen := Campaign.objects.showing_pictures_of(other):
        raise ConflictError(
            "", f"campaign '{seen.name}' shows pictures that would be replaced, but what raters saw must not change"
        )
    for part in batched(new.items(), WRITE_BATCH_SIZE):
        with short_write():
            rows_update(Photo, "image", part)
    still = sum(not (image or pk in new) for pk, _, image in rows)
    return {"attached": len(new) - len(other), "replaced": len(other), "still_without": still, **pictures.counts()}


def differs(image: str, path: str) -> bool:
    """Whether a picture that is there would be replaced by another one. Paths are as they are kept."""
    old = settings.VAR_DIR / image
    return old.is_file() and not cmp(old, settings.VAR_DIR / path, shallow=False)
