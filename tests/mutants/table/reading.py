"""Slips on the way in: source rows and listings."""

from __future__ import annotations

from tests.mutants.mutate import Mutant

READING = (
    Mutant(
        name="intake: good rows are lost",
        module="sources.intake",
        old="self._cells += cells",
        new="self._cells += cells[1:]",
        scene="grown",
    ),
    Mutant(
        name="intake: good rows are there twice",
        module="sources.intake",
        old="self._cells += cells",
        new="self._cells += cells * 2",
        scene="grown",
        sign="ambiguous",
    ),
    Mutant(
        name="intake: a good row beside invalid ones is lost",
        module="sources.intake",
        old="rows=Rows(as_dimension, cells),",
        new="rows=Rows(as_dimension, cells[1:] if refused else cells),",
        scene="invalid",
    ),
    Mutant(
        name="intake: a half is lost",
        module="sources.intake",
        old="            self._take(picked[half:], places[half:])\n",
        new="",
        scene="invalid",
    ),
    Mutant(
        name="intake: invalid rows are lost",
        module="sources.intake",
        old="        self._invalid.append(_Invalid(place, refused))\n",
        new="",
        scene="invalid",
    ),
    Mutant(
        name="intake: the second row of a key is lost",
        module="sources.intake",
        old="            self._invalid.append(\n                _Invalid(place, _duplicate",
        new="            (\n                _Invalid(place, _duplicate",
        scene="invalid",
    ),
    Mutant(
        name="intake: the first row of a key that is not unique is lost",
        module="sources.intake",
        old="            self._invalid += [self._repeated(row) for row in cells if row[0] in self._again]\n",
        new="",
        scene="invalid",
    ),
    Mutant(
        name="intake: the first row of a key that is not unique is good, too",
        module="sources.intake",
        old='            cells, places = list(compress(cells, is_alone)), array("I", compress(places, is_alone))\n',
        new="",
        scene="invalid",
    ),
    Mutant(
        name="intake: an invalid row too many",
        module="sources.intake",
        old="invalid=len(refused)",
        new="invalid=len(refused) + 1",
        scene="grown",
    ),
    Mutant(
        name="intake: a source row too few",
        module="sources.intake",
        old="            source_rows=",
        new="            source_rows=-1 + ",
        scene="grown",
    ),
    Mutant(
        name="intake: good rows count as filtered",
        module="sources.intake",
        old="source_rows=self._number - self._filtered",
        new="source_rows=self._number - self._filtered - 1",
        scene="grown",
    ),
    Mutant(
        name="paginator: the last page is not read",
        module="net.paginator",
        old="iter(range(2, self._expected + 1))",
        new="iter(range(2, self._expected))",
        scene="paged",
        sign="incomplete-listing",
    ),
    Mutant(
        name="paginator: a page is counted and not handed on",
        module="net.paginator",
        old="await self._feed.send(page)",
        new="await self._feed.send(page if number != 3 else page._replace(rows=[]))",
        scene="paged",
        sign="incomplete-listing",
    ),
    Mutant(
        name="paginator: a page is handed on and not counted",
        module="net.paginator",
        old="self._ids.update(map(itemgetter(0), bare(page.rows)))",
        new="self._ids.update(map(itemgetter(0), bare(page.rows) if number != 3 else []))",
        scene="paged",
        sign="incomplete-listing",
    ),
    Mutant(
        name="paginator: a page is another page",
        module="net.paginator",
        old="page = await self._client.page(number, self._size)\n            await",
        new="page = await self._client.page(2, self._size)\n            await",
        scene="paged",
        sign="incomplete-listing",
    ),
)
