"""Folders of pictures under `VAR_DIR/images`."""

from pathlib import Path

from django.conf import settings

IMAGES = "images"  # under VAR_DIR: folders of pictures
UPLOADED = "dataset-"  # begins the names of those that hold uploaded pictures


def image_root() -> Path:
    return Path(settings.VAR_DIR / IMAGES)


def image_folders() -> list[tuple[str, str]]:
    """Folders under `VAR_DIR/images`, which is where pictures are put for an import from the site."""
    root = image_root()
    folders = [path.name for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    names = sorted(name for name in folders if not name.startswith(UPLOADED))
    return [("", "none"), *((name, name) for name in names)]
