"""Slips that no balance can show: each row is counted once, and right as far as anybody in the engine knows."""

from __future__ import annotations

from tests.mutants.mutate import Mutant

UNSEEN = (
    Mutant(
        name="sources: a reader withholds a row",
        module="sources.base",
        old="await _take_all(intake, item)",
        new="await _take_all(intake, item[1:])",
        scene="grown",
        why="nobody has counted the row before; its remote row is an orphan then, and many trip `shrunken-source`",
    ),
    Mutant(
        name="engine: a company is not in the run",
        module="run.engine",
        old="chosen = [company for company in companies_of(companies) if company.write]",
        new="chosen = [company for company in companies_of(companies) if company.write][1:]",
        scene="grown",
        why="what a run was asked for is known to its caller alone: `RunStarted` and the totals name the number",
    ),
    Mutant(
        name="diff: what differs is unchanged",
        module="compare.differing",
        old="    return tuple(fields) or None\n",
        new="    return None\n",
        scene="keyed",
        why="it is counted once, as was decided: whether two rows are equal is decided in one place only",
    ),
    Mutant(
        name="recover: what has not landed is told to have landed",
        module="send.lost_answers",
        old="if found is not Readback.LANDED or remote is None:",
        new="if remote is None:",
        scene="unlanded",
        why="it is counted once, as was judged: the next whole listing tells",
    ),
    Mutant(
        name="chunks: codes are not sent",
        module="send.chunks",
        old="map(how.encode, plan.sent)",
        new="map(how.encode, (row._replace(code=None) for row in plan.sent))",
        scene="grown",
        why="an answer shows id and name only, and the guide's listings no code either",
    ),
    Mutant(
        name="agreed: a renamed row is taken for agreed",
        module="compare.agreed",
        old='named_anew = sorted(renamed, key=joined.sent("key").__getitem__)',
        new='named_anew = sorted(renamed, key=joined.sent("key").__getitem__)[1:]',
        scene="grown",
        why="it counts as unchanged, and the sum is the same; a comparison by another way would tell",
    ),
    Mutant(
        name="reconcile: rows created as planned are told as updated",
        module="send.reconcile",
        old="True: Column.CREATED, False",
        new="True: Column.UPDATED, False",
        scene="grown",
        why="both are done, and the sum is the same; the ledger's remote count is wrong: the next probe differs",
    ),
    Mutant(
        name="reconcile: created and updated are swapped",
        module="send.reconcile",
        old="True: Column.CREATED, False: Column.UPDATED",
        new="True: Column.UPDATED, False: Column.CREATED",
        scene="grown",
        why="both are done, and the sum is the same; the ledger's remote count is wrong: the next probe differs",
    ),
)
