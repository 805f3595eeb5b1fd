"""Pages of the documents that an index leads to, newest first.

An entry leads to a document that may be wanted or not, that may never have been saved, and that may
have entries of earlier tries too: then one of them alone is the document's own.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from coffeeshop.index import Entry, Index, milliseconds
from coffeeshop.index_reader import Cursor, IndexReader

NEWEST = Cursor(Entry(10**15 - 1, ""))
"""Above every entry, also of a clock that was days ahead."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """`next` is where the page after this one begins, if there is one."""

    documents: list[T]
    next: Cursor | None


class IndexPages(Generic[T]):
    def __init__(
        self,
        reader: IndexReader,
        find: Callable[[Sequence[str]], Awaitable[Mapping[str, T]]],
        time_of: Callable[[T], datetime | None],
    ) -> None:
        """`find` reads documents by the ids of their entries. `time_of` is the time of a document's
        own entry."""
        self._reader = reader
        self._find = find
        self._time_of = time_of

    async def page(
        self,
        index: Index,
        cursor: Cursor,
        count: int,
        is_wanted: Callable[[T], bool],
        *,
        size: int,
        reads: tuple[int, int],
    ) -> Page[T]:
        """Up to `count` documents that are wanted. `size` entries are looked at together, and that
        at most as often as `reads` says: with something to show, and with nothing yet. Raises
        `UnknownCursor` and `ServiceUnavailable`."""
        fewest, most = reads
        documents: list[T] = []
        for read in range(1, most + 1):
            found = await self._reader.before(index, cursor, size)
            batch, rest = found.entries[:size], len(found.entries) > size
            known = await self._find([entry.id for entry in batch])
            for entry in batch:
                document = known.get(entry.id)
                if document is None or not self._is_own(document, found.time_of(entry)):
                    continue
                if not is_wanted(document):
                    continue
                documents.append(document)
                if len(documents) == count:
                    is_last = entry == batch[-1] and found.is_all and not rest
                    return Page(documents, None if is_last else found.after(entry))
            if found.is_all and not rest:
                return Page(documents, None)
            cursor = found.after(batch[-1])
            if documents and read >= fewest:
                break
        return Page(documents, cursor)

    def _is_own(self, document: T, at: int) -> bool:
        time = self._time_of(document)
        return time is not None and milliseconds(time) == at
