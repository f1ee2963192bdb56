"""Slips on the way in: source rows and listings."""

from __future__ import annotations

from tests.mutants.mutate import Mutant

READING = (
    Mutant(
        name="intake: good rows are lost",
        module="sources.intake",
        old="self._good.extend(rows)",
        new="self._good.extend(rows[1:])",
        scene="grown",
    ),
    Mutant(
        name="intake: good rows are there twice",
        module="sources.intake",
        old="self._good.extend(rows)",
        new="self._good.extend(rows); self._good.extend(rows)",
        scene="grown",
        sign="ambiguous",
    ),
    Mutant(
        name="intake: a good row beside invalid ones is lost",
        module="sources.intake",
        old="rows=rows,",
        new="rows=rows[1:] if refused else rows,",
        scene="invalid",
    ),
    Mutant(
        name="intake: good rows beside invalid ones are lost",
        module="sources.intake",
        old="is_good = [at not in bad for at in range(len(places))]",
        new="is_good = [at < min(bad) for at in range(len(places))]",
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
        old="                self._invalid.append(\n                    _Invalid(places[at], self._repeated",
        new="                (\n                    _Invalid(places[at], self._repeated",
        scene="invalid",
    ),
    Mutant(
        name="intake: the first row of a key that is not unique is lost",
        module="sources.intake",
        old="for at, key in enumerate(keys) if key in self._again]",
        new="for at, key in () if key in self._again]",
        scene="invalid",
    ),
    Mutant(
        name="intake: the first row of a key that is not unique is good, too",
        module="sources.intake",
        old='            rows, places = rows.take(alone), array("Q", taken(places, alone))\n',
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
        old="source_rows=sum(part.read_rows - part.left_out for part in counts)",
        new="source_rows=sum(part.read_rows - part.left_out - 1 for part in counts)",
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
        old="self._ids.take(page)",
        new="self._ids.take(page if number != 3 else page._replace(rows=[]))",
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
