"""Pictures from the site: a ZIP or many files are looked at by a worker and kept, or nothing is."""

import io
import zipfile

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from annotations.campaigns.services.choosing import check_pictures
from annotations.errors import InputError
from annotations.models import Dataset, Photo
from tests.factories import CaptionFactory, DatasetFactory
from tests.workers.test_pages import launch, uploads
from workers.models import Run
from workers.tasks import execute_run

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0H9V9Z"/></svg>\n'


def archive(**files: bytes) -> SimpleUploadedFile:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return SimpleUploadedFile("pictures.zip", out.getvalue())


@pytest.mark.django_db(transaction=True)
def test_a_zip_and_single_files_become_pictures_of_photos(staff: Client) -> None:
    dataset: Dataset = DatasetFactory()
    sources = [CaptionFactory(photo__album__dataset=dataset) for _ in range(3)]
    photos = [source.photo.external_id for source in sources]
    given = [archive(**{f"all/{photos[0]}.svg": SVG}), SimpleUploadedFile(f"{photos[1]}.svg", SVG)]
    run = launch(staff, "import/pictures/", {"dataset": dataset.name, "pictures": given})
    assert isinstance(run, Run)
    execute_run(run.pk)
    run.refresh_from_db()
    assert (run.state, run.result["attached"], run.result["still_without"]) == ("done", 2, 1)
    assert not uploads()
    kept = Photo.objects.get(external_id=photos[0])
    assert kept.image.startswith(f"images/dataset-{dataset.pk}/")
    assert kept.picture.read_bytes() == SVG
    assert "2 of 3" in staff.get(f"/data/{dataset.pk}/").content.decode()
    sources[0].photo.refresh_from_db()
    check_pictures([sources[0].pk])
    kept.picture.unlink()
    with pytest.raises(InputError, match="the pictures of 1 of the 1 items are not there any more"):
        check_pictures([sources[0].pk])


@pytest.mark.django_db(transaction=True)
def test_a_refused_upload_leaves_nothing(staff: Client) -> None:
    dataset = CaptionFactory().album.dataset
    given = [archive(**{"a/x.svg": SVG, "b/x.svg": SVG + b" "})]
    run = launch(staff, "import/pictures/", {"dataset": dataset.name, "pictures": given})
    assert isinstance(run, Run)
    with pytest.raises(InputError, match="two different pictures"):
        execute_run(run.pk)
    run.refresh_from_db()
    assert run.message.startswith("InputError: pictures.zip: x.svg: two different pictures have this name")
    assert not uploads()
    assert not list((settings.VAR_DIR / "images").glob(f"dataset-{dataset.pk}/*"))
    said = launch(staff, "import/pictures/", {"dataset": dataset.name})
    assert "choose files to upload, or a folder" in str(said)
