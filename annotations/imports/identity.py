"""What of a file's albums a dataset has already, what is new, and what differs."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Model

from annotations.corpora.mended_rows import Writing, content_texts, photo_renamed, units_renamed
from annotations.corpora.models import Album, Dataset, Photo, Source, Story, StorySentence
from annotations.corpora.readers.content import AlbumContent, StoryContent
from annotations.corpora.readers.identity import MADE_UP, Halves, match_ranks, match_texts, same_row
from annotations.corpora.readers.outcome import KINDS
from annotations.errors import ConflictError
from annotations.imports.pictures import differs
from annotations.storage.bulk import ID_BATCH_SIZE, batched
from annotations.systems.models import Decoding, Output, System
from texts.folding import fold


@dataclass(frozen=True, slots=True)
class Difference:
    """A value of the file that is another one in the dataset. `kind` is one of `KINDS`; `new` None: the file has none.
    `row` is what holds it; None: it cannot be replaced."""

    what: str
    old: str
    new: str | None
    place: int | str | None
    row: tuple[type[Model], int] | None
    kind: str = "texts"


@dataclass
class Comparison:
    """A file's albums held against a dataset.

    `albums` are those with something to write, `known` the primary keys of their captions that are there, by album and
    place. `replaced` and `attached` are written when the import completes: values instead of others, and what rows
    lacked. `mended`: rows without ids are taken for stored ones whose texts are nearly the same. `older` are the
    decodings whose other outputs a new one takes over, by system; `written_for` the systems whose outputs the file
    brings for a changed caption. `made_before` was made of the dataset when nothing depended on what is replaced.
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
    mended: bool = False
    repeated: int = 0
    made_before: frozenset[tuple[object, ...]] = frozenset()

    def differs(
        self, what: str, old: str, new: str, row: tuple[type[Model], int], name: str, place: int | None
    ) -> None:
        self.differences.append(Difference(what, old, new, place, row, KINDS[name]))
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
    for part in batched(albums, ID_BATCH_SIZE):
        present = Album.objects.filter(dataset=dataset, external_id__in=[album.external_id for album in part])
        for pk, external_id, its_split, title in present.values_list("pk", "external_id", "split", "title"):
            found[external_id] = pk, title
            if its_split != split:
                raise ConflictError(
                    "",
                    f"album '{external_id}' is in split '{its_split}' of dataset '{dataset.name}' and cannot also be "
                    f"in '{split}': an album belongs to exactly one split",
                )
    return found


def albums_compare(*, dataset: Dataset, split: str, albums: Sequence[AlbumContent]) -> Comparison:
    """Hold albums against the dataset; call it under the import's row, so that nobody else writes meanwhile.

    Raises ConflictError where an album is of another split already.
    """
    comparison = Comparison(dataset, split, repeated=sum(album.repeated for album in albums))
    present = split_check(dataset=dataset, split=split, albums=albums)
    if renamed := units_renamed(dataset=dataset, split=split, albums=albums, present=present):
        comparison.replaced += renamed
        comparison.mended = True
        present = split_check(dataset=dataset, split=split, albums=albums)
    named = sorted({output[0] for album in albums for output in album.outputs})
    for decoding in (imported_decoding(dataset, split, name) for name in named):
        if decoding:
            comparison.older[decoding.system.name] = decoding
    new: set[str] = set()  # albums with something to write
    fresh: set[str] = set()  # systems with outputs to write
    there = [album for album in albums if album.external_id in present]
    for part in batched(there, ID_BATCH_SIZE):
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
    imported = (
        Decoding.objects.complete()
        .own()
        .filter(
            dataset=dataset, split=split, system__name=system, system__kind=System.Kind.FILE, imported_by__isnull=False
        )
    )
    found: Decoding | None = imported.select_related("system").order_by("-completed_at", "-pk").first()
    return found


class Stored:
    """What the dataset holds of a few albums."""

    def __init__(self, comparison: Comparison, albums: set[int]) -> None:
        photos = Photo.objects.filter(album__in=albums).values_list("album_id", "external_id", "pk", "url", "image")
        self.photos = {(album, external_id): (pk, url, image) for album, external_id, pk, url, image in photos}
        self.captions: dict[int, list[tuple[int, str]]] = defaultdict(list)
        self.sources: dict[tuple[int, str], int] = {}  # photos by their ids, sequences by theirs
        self.keys: dict[int, list[tuple[int, str]]] = defaultdict(list)  # of captions and photos, by photo
        sources = Source.objects.filter(album__in=albums).order_by("pk")
        for kind, album, photo, pk, key, text in sources.values_list("kind", "album", "photo", "pk", "key", "text"):
            self.keys[photo].append((pk, key))
            if kind == Source.Kind.CAPTION:
                self.captions[photo].append((pk, text))
            else:
                self.sources[album, key] = pk
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
        self.outputs: dict[tuple[str, int], dict[int, str]] = defaultdict(dict)  # by rank
        for decoding, source, rank, text in outputs.values_list("decoding_id", "source_id", "rank", "text"):
            self.outputs[decodings[decoding], source][rank] = text

    def texts(self, photo: int) -> Halves:
        return [text for _, text in self.captions[photo]], [text for _, _, text in self.references[photo]]


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
        """As `units_renamed`, of photos without ids. Their sources are named after them."""
        missing = [p for p in self.album.photos if p.startswith(MADE_UP) and self.photo(p) is None]
        free = {
            external_id: row[0]
            for (album, external_id), row in self.stored.photos.items()
            if missing and album == self.pk and external_id.startswith(MADE_UP) and external_id not in self.album.photos
        }
        for photo in missing:
            written = content_texts(self.album, photo)
            for external_id, pk in free.items():
                if same_row(external_id, photo, self.stored.texts(pk), written):
                    del free[external_id]
                    self.found.replaced.append((Photo, "external_id", pk, photo))
                    for source, key in self.stored.keys[pk]:
                        self.found.replaced.append((Source, "key", source, photo + key.removeprefix(external_id)))
                    photo_renamed(self.album, photo, external_id)
                    self.found.mended = True
                    break

    def named(self, what: str, photo: str = "") -> str:
        """What of which photo and album, in words; an id that was made up tells nobody anything."""
        ids = {"photo": photo, "album": self.album.external_id}
        owners = [
            "a row without ids" if external_id.startswith(MADE_UP) else f"{kind} '{external_id}'"
            for kind, external_id in ids.items()
            if external_id
        ]
        return " of ".join([what, *dict.fromkeys(owners)])

    def photos(self) -> bool:
        missing = False
        for external_id, (url, image) in self.album.photos.items():
            if row := self.stored.photos.get((self.pk, external_id)):
                pk, its_url, its_image = row
                self.found.recognised["photos"] += 1
                self.found.attach(self.named("address", external_id), its_url, url, (Photo, pk), "url")
                moved = its_image and image and its_image != image and not differs(its_image, image)
                what = self.named("picture", external_id)
                self.found.attach(what, "" if moved else its_image, image, (Photo, pk), "image")
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
                self.found.differs(self.named("caption", photo), old, new, (Source, pk), "text", line)
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
        what = self.named(f"story '{story.external_id}'")
        photos = [photo for _, photo, _ in there]
        if photos != [self.photo(photo) for photo, _ in story.sentences]:
            ids = {row[0]: external_id for (_, external_id), row in self.stored.photos.items()}
            old, new = "-".join(ids[photo] for photo in photos), "-".join(photo for photo, _ in story.sentences)
            self.found.differences.append(Difference(f"photos of {what}", old, new, story.places[0], None, "stories"))
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
            what = self.named("reference", photo)
            line = new.places[0] if new.places else None
            self.found.differs(what, old, new.sentences[0][1], (StorySentence, sentence), "text", line)
            self.found.replaced.append((Story, "external_id", story, new.external_id))
        return [story for at, story in enumerate(left) if at not in matched.places]

    def captions_apart(self, known: dict[int, int]) -> None:
        """A caption for which the file has a second list of a system is a further one of the same text."""
        written: set[tuple[str, int]] = set()
        for system, _, captions, _ in self.album.outputs:
            for at in captions or ():
                if at in known and (system, known[at]) in written:
                    del known[at]
                    self.found.recognised["sources"] -= 1
                elif at in known:
                    written.add((system, known[at]))

    def outputs(self) -> None:
        known = self.found.known.get(self.album.external_id, {})
        self.captions_apart(known)
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
                same, changes = match_ranks(self.stored.outputs.get((system, source), {}), dict(enumerate(texts)))
                self.found.recognised["outputs"] += same
                if changes or same < len(texts):
                    self.fresh.add(system)
                for rank, old, new in changes:
                    what = self.named(f"output {rank} of system '{system}'", photo)
                    self.found.differences.append(Difference(what, old, new, place, (Output, source)))
