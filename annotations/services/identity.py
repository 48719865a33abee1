"""What of a file's albums a dataset has already, what is new, and what differs."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Model, Q

from annotations.errors import ConflictError
from annotations.importing.content import AlbumContent, StoryContent
from annotations.importing.identity import MADE_UP, match_texts, near, row_halves
from annotations.models import Album, Dataset, Decoding, Output, Photo, Source, Story, StorySentence, System
from annotations.services.pictures import differs
from texts.folding import fold

IDS_A_QUERY = 500
MAX_SHARING = 50  # rows: a text that more of them share does not tell which of them was mended
Writing = tuple[type[Model], str, int, str]  # model, field, primary key, value


@dataclass(frozen=True, slots=True)
class Difference:
    """A text of the file that is another one in the dataset. `row` is what holds it; None: it cannot be replaced."""

    what: str
    old: str
    new: str
    place: int | str | None
    row: tuple[type[Model], int] | None


@dataclass
class Comparison:
    """A file's albums held against a dataset.

    `albums` are those with something to write, `known` the primary keys of their captions that are there, by album and
    place. `replaced` and `attached` are written when the import completes: texts instead of others, and what rows
    lacked. `older` are the decodings whose other outputs a new one takes over, by system; `written_for` the systems
    whose outputs the file brings for a changed caption.
    """

    dataset: Dataset
    split: str
    albums: list[AlbumContent] = field(default_factory=list)
    known: dict[str, dict[int, int]] = field(default_factory=dict)
    recognised: Counter[str] = field(default_factory=Counter)
    differences: list[Difference] = field(default_factory=list)
    replaced: list[Writing] = field(default_factory=list)
    attached: list[Writing] = field(default_factory=list)
    older: dict[str, Decoding] = field(default_factory=dict)
    written_for: dict[int, set[str]] = field(default_factory=lambda: defaultdict(set))
    repeated: int = 0

    @property
    def pictures(self) -> int:
        return sum(name == "image" for _, name, _, _ in self.attached)

    def differs(
        self, what: str, old: str, new: str, row: tuple[type[Model], int], name: str, place: int | None
    ) -> None:
        self.differences.append(Difference(what, old, new, place, row))
        self.replaced.append((row[0], name, row[1], new))

    def attach(self, what: str, old: str, new: str, row: tuple[type[Model], int], name: str) -> None:
        """Hold a value that a row may lack: one that is there and another one differ."""
        if new and not old:
            self.attached.append((row[0], name, row[1], new))
        elif new and new != old:
            self.differs(what, old, new, row, name, None)


def split_check(*, dataset: Dataset, split: str, albums: Sequence[AlbumContent]) -> dict[str, tuple[int, str]]:
    """(primary key, title) of the albums that are there, by external id. Raises ConflictError for another split's."""
    found = {}
    for part in batched(albums):
        present = Album.objects.filter(dataset=dataset, external_id__in=[album.external_id for album in part])
        for pk, external_id, its_split, title in present.values_list("pk", "external_id", "split", "title"):
            found[external_id] = pk, title
            if its_split != split:
                raise ConflictError(
                    f"album '{external_id}' is in split '{its_split}' of dataset '{dataset.name}' and cannot be in "
                    f"'{split}' too: an album belongs to exactly one split"
                )
    return found


def batched(albums: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(albums), IDS_A_QUERY):
        yield albums[start : start + IDS_A_QUERY]


def albums_compare(*, dataset: Dataset, split: str, albums: Sequence[AlbumContent]) -> Comparison:
    """Hold albums against the dataset; call it under the import's row, so that nobody else writes meanwhile.

    Raises ConflictError where an album is of another split already.
    """
    comparison = Comparison(dataset, split, repeated=sum(album.repeated for album in albums))
    present = split_check(dataset=dataset, split=split, albums=albums)
    if units_renamed(comparison, albums, present):
        present = split_check(dataset=dataset, split=split, albums=albums)
    named = sorted({output[0] for album in albums for output in album.outputs})
    for decoding in (imported_decoding(dataset, split, name) for name in named):
        if decoding:
            comparison.older[decoding.system.name] = decoding
    new: set[str] = set()  # albums with something to write
    fresh: set[str] = set()  # systems with outputs to write
    for part in batched([album for album in albums if album.external_id in present]):
        stored = Stored(comparison, {present[album.external_id][0] for album in part})
        for album in part:
            compared = AlbumCompared(comparison, stored, album, *present[album.external_id])
            if compared.compare():
                new.add(album.external_id)
            fresh |= compared.fresh
    fresh |= {output[0] for album in albums if album.external_id not in present for output in album.outputs}
    comparison.older = {name: decoding for name, decoding in comparison.older.items() if name in fresh}
    for album in albums:
        album.outputs = [output for output in album.outputs if output[0] in fresh]
        if album.outputs or album.external_id in new or album.external_id not in present:
            comparison.albums.append(album)
        else:
            comparison.known.pop(album.external_id, None)
    return comparison


def imported_decoding(dataset: Dataset, split: str, system: str) -> Decoding | None:
    """The newest of uploaded outputs of the system on the split."""
    imported = Decoding.objects.complete().filter(
        dataset=dataset, split=split, system__name=system, system__kind=System.Kind.FILE, imported_by__isnull=False
    )
    found: Decoding | None = imported.select_related("system").order_by("-completed_at", "-pk").first()
    return found


class Stored:
    """What the dataset holds of a few albums."""

    def __init__(self, comparison: Comparison, albums: set[int]) -> None:
        photos = Photo.objects.filter(album__in=albums).values_list("album_id", "external_id", "pk", "url", "image")
        self.photos = {(album, external_id): (pk, url, image) for album, external_id, pk, url, image in photos}
        self.captions: dict[int, list[tuple[int, str]]] = defaultdict(list)
        captions = Source.objects.filter(album__in=albums).captions().order_by("pk")
        for photo, pk, text in captions.values_list("photo_id", "pk", "text"):
            self.captions[photo].append((pk, text))
        others = Source.objects.filter(album__in=albums).exclude(kind="caption")
        self.sources = {
            (album, key): pk for album, key, pk in others.values_list("album_id", "key", "pk")
        }  # photos by their ids, sequences by theirs
        stories = Story.objects.filter(album__in=albums).values_list(
            "album_id", "external_id", "pk", "author", "sequence"
        )
        self.stories = {(album, name): (pk, author) for album, name, pk, author, _ in stories}
        bare = {pk for _, _, pk, _, sequence in stories if sequence is None}
        self.sentences: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
        self.references: dict[int, list[tuple[int, int, str]]] = defaultdict(list)  # outside a story, by photo
        self.told: dict[int, list[str]] = defaultdict(list)
        sentences = StorySentence.objects.filter(story__album__in=albums).order_by("story_id", "position")
        for story, pk, photo, text in sentences.values_list("story_id", "pk", "photo_id", "text"):
            if story in bare:
                self.references[photo].append((story, pk, text))
            else:
                self.sentences[story].append((pk, photo, text))
                self.told[photo].append(text)
        decodings = {decoding.pk: name for name, decoding in comparison.older.items()}
        outputs = Output.objects.filter(decoding__in=decodings, source__album__in=albums)
        self.outputs = {
            (decodings[decoding], source, rank): text
            for decoding, source, rank, text in outputs.values_list("decoding_id", "source_id", "rank", "text")
        }

    def texts(self, photo: int) -> list[str]:
        return [text for _, text in self.captions[photo]] + [text for _, _, text in self.references[photo]]


class AlbumCompared:
    """One album of the file, held against what is stored."""

    def __init__(self, comparison: Comparison, stored: Stored, album: AlbumContent, pk: int, title: str) -> None:
        self.found, self.stored, self.album, self.pk = comparison, stored, album, pk
        self.fresh: set[str] = set()  # systems with outputs that are not there
        comparison.recognised["albums"] += 1
        comparison.attach(f"title of album '{album.external_id}'", title, album.title, (Album, pk), "title")

    def compare(self) -> bool:
        """Whether there is something to write, outputs aside."""
        self.mended_photos()
        parts = self.photos(), self.captions(), self.photo_sources(), self.stories()
        self.outputs()
        return any(parts)

    def photo(self, external_id: str) -> int | None:
        row = self.stored.photos.get((self.pk, external_id))
        return row and row[0]

    def mended_photos(self) -> None:
        """As `units_renamed`, of photos without ids."""
        missing = [p for p in self.album.photos if p.startswith(MADE_UP) and self.photo(p) is None]
        free = {
            external_id: row[0]
            for (album, external_id), row in self.stored.photos.items()
            if missing and album == self.pk and external_id.startswith(MADE_UP) and external_id not in self.album.photos
        }
        for photo in missing:
            halves, written = row_halves(photo), list(content_texts(self.album, photo))
            for external_id, pk in free.items():
                if any(map(str.__eq__, halves, row_halves(external_id))) and nearly_all(self.stored.texts(pk), written):
                    del free[external_id]
                    self.found.replaced.append((Photo, "external_id", pk, photo))
                    rename_photo(self.album, photo, external_id)
                    break

    def of_album(self, what: str) -> str:
        return f"{what} of album '{self.album.external_id}'"

    def photos(self) -> bool:
        missing = False
        for external_id, (url, image) in self.album.photos.items():
            if row := self.stored.photos.get((self.pk, external_id)):
                pk, its_url, its_image = row
                self.found.recognised["photos"] += 1
                what = self.of_album(f"of photo '{external_id}'")
                self.found.attach(f"address {what}", its_url, url, (Photo, pk), "url")
                moved = its_image and image and its_image != image and not differs(its_image, image)
                self.found.attach(f"picture {what}", "" if moved else its_image, image, (Photo, pk), "image")
            else:
                missing = True
        return missing

    def captions(self) -> bool:
        by_photo: dict[str, list[int]] = defaultdict(list)
        for index, (photo, _, _) in enumerate(self.album.captions):
            by_photo[photo].append(index)
        known = self.found.known.setdefault(self.album.external_id, {})
        for photo, indexes in by_photo.items():
            there = self.stored.captions.get(self.photo(photo) or 0, [])
            matched = match_texts([text for _, text in there], [self.album.captions[index][2] for index in indexes])
            known |= {indexes[at]: there[place][0] for at, place in matched.places.items()}
            self.found.recognised["sources"] += len(matched.same)
            for at, place in matched.changed.items():
                pk, old = there[place]
                new, line = self.album.captions[indexes[at]][2], self.album.places[indexes[at]]
                self.found.differs(self.of_album(f"caption of photo '{photo}'"), old, new, (Source, pk), "text", line)
        return len(known) < len(self.album.captions)

    def photo_sources(self) -> bool:
        there = [photo for photo in self.album.photo_sources if (self.pk, photo) in self.stored.sources]
        self.found.recognised["sources"] += len(there)
        return len(there) < len(self.album.photo_sources)

    def stories(self) -> bool:
        """Compare what people wrote; only what is not there stays in the album."""
        told = [story for story in self.album.stories if story.sequence]
        sequences = {story.sequence_key for story in told}
        self.found.recognised["sources"] += sum((self.pk, key) in self.stored.sources for key in sequences)
        new = [story for story in told if not self.story_recognised(story)]
        bare: dict[str, list[StoryContent]] = defaultdict(list)
        for story in self.album.stories:
            if not story.sequence:
                bare[story.sentences[0][0]].append(story)
        for photo, references in bare.items():
            new += self.new_references(photo, references)
        self.album.stories = new
        return bool(new)

    def story_recognised(self, story: StoryContent) -> bool:
        row = self.stored.stories.get((self.pk, story.external_id))
        if row is None:
            return False
        pk, author = row
        there = self.stored.sentences[pk]
        what = self.of_album(f"story '{story.external_id}'")
        photos = [photo for _, photo, _ in there]
        if photos != [self.photo(photo) for photo, _ in story.sentences]:
            ids = {row[0]: external_id for (_, external_id), row in self.stored.photos.items()}
            old, new = "-".join(ids[photo] for photo in photos), "-".join(photo for photo, _ in story.sentences)
            self.found.differences.append(Difference(f"photos of {what}", old, new, story.places[0], None))
        self.found.attach(f"author of {what}", author, story.author, (Story, pk), "author")
        self.found.recognised["stories"] += 1
        for position, ((sentence, _, old), (_, new)) in enumerate(zip(there, story.sentences, strict=False)):
            if old == new or fold(old) == fold(new):
                self.found.recognised["sentences"] += 1
            else:
                place = story.places[position] if story.places else None
                self.found.differs(f"sentence {position} of {what}", old, new, (StorySentence, sentence), "text", place)
        return True

    def new_references(self, photo: str, references: list[StoryContent]) -> list[StoryContent]:
        """References that are not there: neither in a story told of the photo nor on their own."""
        pk = self.photo(photo)
        if pk is None:
            return references
        told = {fold(text) for text in self.stored.told[pk]}
        left = [story for story in references if fold(story.sentences[0][1]) not in told]
        there = self.stored.references[pk]
        matched = match_texts([text for _, _, text in there], [story.sentences[0][1] for story in left])
        recognised = len(references) - len(left) + len(matched.same)
        self.found.recognised.update({"stories": recognised + len(matched.changed), "sentences": recognised})
        for at, place in matched.changed.items():
            story, sentence, old = there[place]
            new = left[at]
            what = self.of_album(f"reference of photo '{photo}'")
            line = new.places[0] if new.places else None
            self.found.differs(what, old, new.sentences[0][1], (StorySentence, sentence), "text", line)
            self.found.replaced.append((Story, "external_id", story, new.external_id))
        return [story for at, story in enumerate(left) if at not in matched.places]

    def outputs(self) -> None:
        known = self.found.known.get(self.album.external_id, {})
        for system, photo, captions, texts in self.album.outputs:
            sources = (
                [self.stored.sources.get((self.pk, photo))] if captions is None else [known.get(at) for at in captions]
            )
            place = self.album.places[captions[0]] if captions else None
            for source in sources:
                if source is None:
                    self.fresh.add(system)
                    continue
                self.found.written_for[source].add(system)
                for rank, text in enumerate(texts):
                    old = self.stored.outputs.get((system, source, rank))
                    if old is not None and fold(old) == fold(text):
                        self.found.recognised["outputs"] += 1
                        continue
                    self.fresh.add(system)
                    if old is not None:
                        what = self.of_album(f"output {rank} of system '{system}' for photo '{photo}'")
                        row = Output, source
                        self.found.differences.append(Difference(what, old, text, place, row))


def units_renamed(comparison: Comparison, albums: Sequence[AlbumContent], present: Mapping[str, Any]) -> bool:
    """Find the rows without ids of which one text was mended: they share the other, and are nearly the same.

    Such an album of the file takes the stored one's id, so that it is compared as it; the stored one gets the new id
    when the difference is written. Says whether there was any.
    """
    missing = [album for album in albums if album.external_id.startswith(MADE_UP) and album.external_id not in present]
    if not missing:
        return False
    ids = {album.external_id for album in albums}
    by_half: dict[str, list[tuple[int, str]]] = defaultdict(list)
    stored = Album.objects.filter(dataset=comparison.dataset, split=comparison.split, external_id__startswith=MADE_UP)
    for pk, external_id in stored.order_by("pk").values_list("pk", "external_id"):
        if external_id not in ids:
            for half in row_halves(external_id):
                by_half[half].append((pk, external_id))
    candidates = {
        album.external_id: [
            row
            for half in row_halves(album.external_id)
            if len(by_half.get(half, ())) <= MAX_SHARING
            for row in by_half.get(half, ())
        ]
        for album in missing
    }
    texts = unit_texts({pk for rows in candidates.values() for pk, _ in rows})
    taken: set[int] = set()
    for album in missing:
        written = list(content_texts(album))
        for pk, external_id in candidates[album.external_id]:
            if pk not in taken and nearly_all(texts[pk], written):
                taken.add(pk)
                comparison.replaced.append((Album, "external_id", pk, album.external_id))
                album.external_id = external_id
                break
    return bool(taken)


def content_texts(album: AlbumContent, photo: str | None = None) -> Iterator[str]:
    """Captions and references of an album, or of one of its photos."""
    yield from (text for its_photo, _, text in album.captions if photo in (None, its_photo))
    yield from (text for story in album.stories for its_photo, text in story.sentences if photo in (None, its_photo))


def nearly_all(stored: Sequence[str], given: Sequence[str]) -> bool:
    return len(stored) == len(given) and near(*("\n".join(map(fold, texts)) for texts in (stored, given)))


def unit_texts(albums: set[int]) -> dict[int, list[str]]:
    """Captions and references of albums, by primary key."""
    found: dict[int, list[str]] = defaultdict(list)
    for part in batched(sorted(albums)):
        for model, at in ((Source, "album_id"), (StorySentence, "story__album_id")):
            rows = model._default_manager.filter(Q(**{f"{at}__in": part}) & ~Q(text="")).values_list(at, "text")
            for album, text in rows:
                found[album].append(text)
    return found


def rename_photo(album: AlbumContent, old: str, new: str) -> None:
    def named(photo: str) -> str:
        return new if photo == old else photo

    album.photos = {named(photo): row for photo, row in album.photos.items()}
    album.captions = [(named(photo), position, text) for photo, position, text in album.captions]
    album.photo_sources = {named(photo): None for photo in album.photo_sources}
    for story in album.stories:
        story.sentences = [(named(photo), text) for photo, text in story.sentences]
    album.outputs = [(system, named(photo), captions, texts) for system, photo, captions, texts in album.outputs]
