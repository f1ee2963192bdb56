"""Slips in how agreement is judged, kept and told, and in the second push."""

from __future__ import annotations

from tests.mutants.mutate import Mutant

RULES = "tests/unit/test_agreement.py"
RUNS = "tests/sandbox/test_agreement.py"
VERBS = "tests/sandbox/test_agreement_verbs.py"
LEARNT = "tests/unit/test_absorb.py"
LEDGER = "tests/ledger/test_distrust.py"
NEW_ROWS = "tests/unit/test_new_rows.py"


def _mutant(name: str, old: str, new: str, *, module: str = "compare.equality", test: str = RULES) -> Mutant:
    return Mutant(name=f"{module.rpartition('.')[2]}: {name}", module=module, old=old, new=new, test=test)


_JUDGED = (
    _mutant(
        "a field that is not compared differs",
        "if wanted == there or not field.is_compared(",
        "if wanted == there and not field.is_compared(",
    ),
    _mutant(
        "an unknown outcome is judged as a known one",
        "if known is None or not known.outcome_known else",
        "if known is None else",
    ),
    _mutant(
        "an agreed spelling is not kept",
        "if verdict in {Standing.AGREED, Standing.OTHERWISE}:",
        "if verdict is Standing.OTHERWISE:",
    ),
    _mutant(
        "a told spelling is not kept",
        "if verdict in {Standing.AGREED, Standing.OTHERWISE}:",
        "if verdict is Standing.AGREED:",
    ),
    _mutant("an agreed field is told", "if verdict is not Standing.AGREED:", "if verdict is not Standing.DIFFERS:"),
    _mutant(
        "labels are always compared",
        "(relabel or self.compared is not When.IF_RELABEL)",
        "True",
        module="model.resource",
    ),
    _mutant(
        "a label that is not shown is compared",
        "(bool(there) and (relabel",
        "((bool(there) or self.compared is When.IF_RELABEL) and (relabel",
        module="model.resource",
    ),
    _mutant(
        "a type that is not shown is compared",
        "(bool(there) and (relabel",
        "((bool(there) or self.compared is When.IF_SHOWN) and (relabel",
        module="model.resource",
    ),
    _mutant(
        "a code that is not shown is compared",
        "return wanted is not None and there is not None",
        "return wanted is not None",
        module="model.resource",
    ),
    _mutant(
        "a code that is not wanted is compared",
        "return wanted is not None and there is not None",
        "return there is not None",
        module="model.resource",
    ),
    _mutant("a source that moved is not pushed", "if wanted != sent and not agreement.is_doubted:", "if False:"),
    _mutant("a doubted ledger is believed", "if wanted != sent and not agreement.is_doubted:", "if wanted != sent:"),
    _mutant(
        "an open row counts as agreed", "is_pushed = known.is_fresh or agreement.is_open", "is_pushed = known.is_fresh"
    ),
    _mutant(
        "a fresh row counts as agreed",
        "is_pushed = known.is_fresh or agreement.is_open",
        "is_pushed = agreement.is_open",
    ),
    _mutant(
        "an agreed spelling is pushed once more with another field",
        "if spelled is not None or not is_pushed:",
        "if not is_pushed:",
    ),
    _mutant(
        "the answer tells of every field",
        'if name == "name" and there == agreement.answered:',
        "if there == agreement.answered:",
    ),
    _mutant("the answer is not believed", 'if name == "name" and there == agreement.answered:', "if False:"),
    _mutant(
        "no row is pushed once more",
        "if name not in (agreement.pushed_again or {}):\n        return Standing.AGAIN",
        "if name not in (agreement.pushed_again or {}):\n        return Standing.OTHERWISE",
    ),
    _mutant(
        "rows are pushed once more again and again",
        "if name not in (agreement.pushed_again or {}):\n",
        "if True:\n",
    ),
    _mutant(
        "what is plainly a spelling is not carried out",
        "(name in known.row.resource.spelled and is_spelling(there, sent))",
        "False",
    ),
    _mutant(
        "an id that is not carried out is a spelling",
        "(name in known.row.resource.spelled and is_spelling(there, sent))",
        "is_spelling(there, sent)",
    ),
    _mutant(
        "what is not carried out is a spelling",
        "    return Standing.NOT_APPLIED\n",
        "    return Standing.OTHERWISE\n",
    ),
    _mutant(
        "what was before is looked for in another field",
        "(known.before or {}).get(name)",
        '(known.before or {}).get("name")',
    ),
    _mutant(
        "whatever is shown after two pushes is a spelling",
        "if there not in {before, first}:",
        "if False:",
    ),
)

_RESTING = (
    _mutant(
        "any rest counts as not carried out", "if rest.code != NOT_APPLIED or seen is None or", "if seen is None or"
    ),
    _mutant("a listing that moved ends no rest", "or not shows_the_same(seen, remote):", "or False:"),
    _mutant(
        "a code that is not shown ends a rest",
        "if here is not None and there is not None)",
        ")",
        module="model.dimension",
    ),
    _mutant(
        "another code ends no rest",
        "if differs_where_shown(seen, remote):\n        return False",
        "if differs_where_shown(seen, remote):\n        return True",
    ),
    _mutant(
        "a source that moved ends no rest",
        "return rest.fingerprint == _compared_side(",
        "return rest.fingerprint != b'' or rest.fingerprint == _compared_side(",
    ),
    _mutant(
        "a label ends a rest",
        "row if relabel else without_label(row)",
        "row",
    ),
)

_SHOWN = (
    _mutant(
        "what was pushed since is shown as the listing before",
        "if known.seen is not None and not known.is_fresh:",
        "if known.seen is not None:",
        module="compare.agreement",
    ),
    _mutant(
        "an agreed spelling is not shown",
        "if known.agreement and known.agreement.shown else known.row",
        "if known.agreement is None else known.row",
        module="compare.agreement",
    ),
    _mutant(
        "an open row is not pending",
        "return known.is_fresh or (known.agreement is not None and known.agreement.is_open)",
        "return known.is_fresh",
        module="compare.agreement",
    ),
)

_ANSWERED = (
    _mutant(
        "what was before a row of unknown outcome is forgotten",
        "(is_pending(known) or not known.outcome_known)",
        "is_pending(known)",
        module="compare.agreement",
    ),
    _mutant(
        "what was before an open row is forgotten",
        "(is_pending(known) or not known.outcome_known)",
        "not known.outcome_known",
        module="compare.agreement",
    ),
    _mutant(
        "what was before a push of long ago is kept",
        "is_kept = known is not None and (is_pending(known) or not known.outcome_known)",
        "is_kept = known is not None",
        module="compare.agreement",
    ),
    _mutant(
        "a second push forgets what was before the first",
        "if again is not None and name in again and not old.is_doubted:",
        "if False:",
        module="compare.agreement",
    ),
    _mutant(
        "a doubted ledger takes a spelling for what was before",
        "changed = () if old.is_doubted else fields",
        "changed = fields",
        module="compare.agreement",
    ),
    _mutant(
        "a doubted ledger forgets what was not carried out",
        "name in again and not old.is_doubted:",
        "name in again:",
        module="compare.agreement",
    ),
    _mutant(
        "an agreed spelling counts as what was before",
        "if prior is not None and prior != old.shown.get(name):",
        "if prior is not None:",
        module="compare.agreement",
    ),
    _mutant(
        "the second of two pushes tells what was before",
        "before.setdefault(name, prior)",
        "before[name] = prior",
        module="compare.agreement",
    ),
    _mutant(
        "a push keeps the spelling of what it replaces",
        "if fields and name not in fields}",
        "if fields}",
        module="compare.agreement",
    ),
    _mutant(
        "a push forgets the spelling of other fields",
        "if fields and name not in fields}",
        "if not fields}",
        module="compare.agreement",
    ),
    _mutant(
        "a row of unknown outcome keeps its spelling",
        "if fields and name not in fields}",
        "if name not in fields}",
        module="compare.agreement",
    ),
    _mutant(
        "what was answered is not kept",
        "Agreement(shown=shown, answered=answered, pushed_again=again, ",
        "Agreement(shown=shown, pushed_again=again, ",
        module="compare.agreement",
    ),
    _mutant(
        "what was answered before is kept",
        "Agreement(shown=shown, answered=answered,",
        "Agreement(shown=shown, answered=answered or old.answered,",
        module="compare.agreement",
    ),
    _mutant(
        "a second push is not kept",
        "Agreement(shown=shown, answered=answered, pushed_again=again, ",
        "Agreement(shown=shown, answered=answered, ",
        module="compare.agreement",
    ),
    _mutant(
        "a second push stays allowed",
        "pushed_again=again, told_by=told_by)\n",
        "pushed_again=again, told_by=told_by, is_allowed=old.is_allowed)\n",
        module="compare.agreement",
    ),
    _mutant(
        "a lost update is taken to have landed",
        "== getattr(known.row, name) != getattr(row, name)",
        "== getattr(row, name)",
        module="compare.agreement",
    ),
)

_CLOSED = (
    _mutant(
        "what is not carried out is closed",
        "judged.having(*LEFT)\n    taken",
        "judged.having(Standing.DIFFERS, Standing.AGAIN, Standing.OPEN)\n    taken",
        module="compare.agreement",
    ),
    _mutant(
        "what differs is closed",
        "judged.having(*LEFT)\n    taken",
        "judged.having(Standing.AGAIN, Standing.OPEN, Standing.NOT_APPLIED)\n    taken",
        module="compare.agreement",
    ),
    _mutant(
        "the source's label is taken for what was sent",
        "for name in row.resource.own}",
        'for name in (*row.resource.own, "type_label")}',
        module="compare.agreement",
    ),
    _mutant(
        "the source's code is taken for what was sent",
        "for name in row.resource.own}",
        'for name in (*row.resource.own, "code")}',
        module="compare.agreement",
    ),
    _mutant(
        "the source's ERP id is not taken for what was sent",
        "for name in row.resource.own}",
        'for name in ("name", "type_code")}',
        module="compare.agreement",
    ),
    _mutant(
        "nothing is left to be told of a killed run",
        "told_by=run_id if is_told else",
        "told_by=None if is_told else",
        module="compare.agreement",
    ),
    _mutant(
        "a run that told is forgotten", "old.told_by if judged.shown else None", "None", module="compare.agreement"
    ),
    _mutant(
        "a run that told is kept for good",
        "old.told_by if judged.shown else None",
        "old.told_by",
        module="compare.agreement",
    ),
    _mutant(
        "the spelling of a field that moved is forgotten",
        "shown={**kept, **judged.shown}",
        "shown={**judged.shown}",
        module="compare.agreement",
    ),
    _mutant(
        "a spelling that is shown is not taken over",
        "shown={**kept, **judged.shown}",
        "shown={**kept}",
        module="compare.agreement",
    ),
    _mutant(
        "every spelling of before is kept",
        "old.shown.items() if name in left}",
        "old.shown.items()}",
        module="compare.agreement",
    ),
    _mutant(
        "what was answered is kept for good",
        "answered=old.answered if left else None",
        "answered=old.answered",
        module="compare.agreement",
    ),
    _mutant(
        "what was answered is forgotten",
        "answered=old.answered if left else None",
        "answered=None",
        module="compare.agreement",
    ),
    _mutant(
        "a row of unconfirmed key is open",
        "is_open=known.confirmed and bool(",
        "is_open=bool(",
        module="compare.agreement",
    ),
    _mutant(
        "a row that shows something else again is not open",
        "bool(judged.having(Standing.AGAIN, Standing.OPEN))",
        "bool(judged.having(Standing.AGAIN))",
        module="compare.agreement",
    ),
    _mutant(
        "a row that was not pushed once more is not open",
        "bool(judged.having(Standing.AGAIN, Standing.OPEN))",
        "bool(judged.having(Standing.OPEN))",
        module="compare.agreement",
    ),
    _mutant(
        "an allowance outlives the spelling",
        "is_allowed=old.is_allowed and judged.shown.items() <= old.shown.items(),",
        "is_allowed=old.is_allowed,",
        module="compare.agreement",
    ),
    _mutant(
        "an allowance is for one listing",
        "is_allowed=old.is_allowed and judged.shown.items() <= old.shown.items(),",
        "is_allowed=False,",
        module="compare.agreement",
    ),
    _mutant(
        "an allowance is for fields, whatever they show",
        "judged.shown.items() <= old.shown.items()",
        "judged.shown.keys() <= old.shown.keys()",
        module="compare.agreement",
    ),
    _mutant(
        "a doubt does not outlive a listing",
        "is_doubted=old.is_doubted and bool(left)",
        "is_doubted=False",
        module="compare.agreement",
    ),
    _mutant(
        "a doubt stays",
        "is_doubted=old.is_doubted and bool(left)",
        "is_doubted=old.is_doubted",
        module="compare.agreement",
    ),
    _mutant(
        "what was before is kept for good",
        "before=known.before if left else None",
        "before=known.before",
        module="compare.agreement",
    ),
    _mutant(
        "what was before is forgotten",
        "before=known.before if left else None",
        "before=None",
        module="compare.agreement",
    ),
    _mutant(
        "an open row takes the source for what was sent",
        "row=known.row if left else",
        "row=",
        module="compare.agreement",
    ),
)

_LEARNT = (
    _mutant(
        "an agreement moves to another remote row",
        "if known.remote_id not in {None, remote.id}:",
        "if False:",
        module="compare.absorb",
        test=LEARNT,
    ),
    _mutant(
        "a row that the source lacks is not open",
        "if is_unjudged and not agrees:",
        "if False:",
        module="compare.absorb",
        test=RUNS,
    ),
    _mutant(
        "what is listed otherwise is not kept as seen",
        "return entry._replace(seen=None if agrees and not is_open else remote)",
        "return entry._replace(seen=None)",
        module="compare.absorb",
        test=RUNS,
    ),
    _mutant(
        "a rest is never over", "return code == NOT_APPLIED or (", "return (", module="compare.absorb", test=LEARNT
    ),
    _mutant(
        "a doubted ledger keeps what was before",
        " before = null,",
        " before = before,",
        module="ledger.jobs.distrust",
        test=LEDGER,
    ),
    _mutant(
        "a doubted ledger keeps what was seen",
        "seen = null,",
        "seen = seen,",
        module="ledger.jobs.distrust",
        test=LEDGER,
    ),
    _mutant(
        "a doubted ledger keeps agreements",
        "agreement = case when confirmed and settled then ? end",
        "agreement = iif(? = '', null, agreement)",
        module="ledger.jobs.distrust",
        test=LEDGER,
    ),
    _mutant(
        "a doubt is of unconfirmed keys, too",
        "case when confirmed and settled then",
        "case when settled then",
        module="ledger.jobs.distrust",
        test=LEDGER,
    ),
    _mutant(
        "a doubt is of unknown outcomes, too",
        "case when confirmed and settled then",
        "case when confirmed then",
        module="ledger.jobs.distrust",
        test=LEDGER,
    ),
    _mutant(
        "a spelling of an unfinished run is told for good",
        "or agreement.told_by in self.record.unfinished",
        "",
        module="compare.spelling_notes",
        test=RUNS,
    ),
    _mutant(
        "what an answer told in an unfinished run is told for good",
        "run_id if answered is not None else old.told_by if shown",
        "old.told_by if shown",
        module="compare.agreement",
        test=RUNS,
    ),
    _mutant(
        "a run that told is forgotten when another field is pushed",
        "else old.told_by if shown else None",
        "else None",
        module="compare.agreement",
    ),
    _mutant(
        "what an answer told is not told again before a listing",
        "agreement.answered and agreement.told_by in self.record.unfinished",
        "agreement.answered and agreement.told_by in ()",
        module="compare.spelling_notes",
        test=RUNS,
    ),
    _mutant(
        "what an unfinished run told is told by every run",
        "await told_spellings(self.company, retold)",
        "pass",
        module="run.decide",
        test=RUNS,
    ),
    _mutant(
        "an ERP id is told once",
        "if found.shown and (is_untold or breaks):",
        "if found.shown and is_untold:",
        module="compare.spelling_notes",
        test=RUNS,
    ),
    _mutant(
        "what a person allowed is told",
        "and not agreement.is_allowed\n",
        "\n",
        module="compare.spelling_notes",
        test=RUNS,
    ),
    _mutant(
        "a name is told in every run",
        "breaks = not found.shown.keys().isdisjoint(row.resource.natural_key) and",
        "breaks = bool(found.shown) and",
        module="compare.spelling_notes",
        test=RUNS,
    ),
    _mutant(
        "a second push counts as a revert before it is one",
        "undoes = not is_again and not is_stuck and",
        "undoes = not is_stuck and",
        module="compare.plan",
        test=RUNS,
    ),
    _mutant(
        "what flaps is pushed once more",
        "if (is_again or undoes) and",
        "if undoes and",
        module="compare.plan",
        test=RUNS,
    ),
    _mutant(
        "a second push is counted by guards",
        "where(self.updates, lambda key: key not in self.again) if self.again else self.updates",
        "self.updates",
        module="model.change",
        test=RUNS,
    ),
)

_PUSHED = (
    _mutant(
        "a second push keeps no room for its listing",
        "if not company.comparison.takes_another(after=_chunks(company, batch)):",
        "if False:",
        module="run.write",
        test=RUNS,
    ),
    _mutant(
        "no chunk goes first",
        "most = company.chunk_rows if _is_massive(company, len(rows)) else len(rows)",
        "most = len(rows)",
        module="run.write",
        test=RUNS,
    ),
    _mutant(
        "a second push is not looked at",
        "undone = await verify(company, batch)",
        "undone = 0",
        module="run.write",
        test=RUNS,
    ),
    _mutant(
        "what people changed holds nothing",
        "if undone and len(batch) < len(rows):",
        "if False:",
        module="run.write",
        test=RUNS,
    ),
    _mutant(
        "spellings hold the rest",
        "if undone and len(batch) < len(rows):",
        "if len(batch) < len(rows):",
        module="run.write",
        test=RUNS,
    ),
    _mutant(
        "an allowed mass update goes chunk by chunk",
        'if "mass-update" in company.comparison.allowed or there',
        "if there",
        module="run.write",
        test=RUNS,
    ),
    _mutant(
        "a small company's second push goes chunk by chunk",
        "or there < guards.min_rows:",
        "or False:",
        module="run.write",
        test=RUNS,
    ),
    _mutant(
        "few rows go chunk by chunk",
        "rows > guards.mass_update_rows and rows >",
        "rows >",
        module="run.write",
        test=RUNS,
    ),
    _mutant(
        "a small share goes chunk by chunk",
        "and rows > guards.mass_update_share * there",
        "",
        module="run.write",
        test=RUNS,
    ),
    _mutant(
        "what is not carried out counts as updated",
        "    counts.recount(stuck, Column.REJECTED, NOT_APPLIED)\n",
        "",
        module="run.second_look",
        test=RUNS,
    ),
    _mutant("a spelling is not told", "    counts.otherwise(told)\n", "", module="run.second_look", test=RUNS),
    _mutant(
        "an allowance is not remembered",
        "if told and counts.lets_spellings:",
        "if False:",
        module="run.second_look",
        test=VERBS,
    ),
    _mutant(
        "a spelling counts as a person's change",
        "left = to_do_of(after.plan) | told.keys() | stuck.keys()",
        "left = to_do_of(after.plan) | stuck.keys()",
        module="run.second_look",
        test=RUNS,
    ),
    _mutant(
        "what shows something else again counts as updated",
        "if still := to_do_of(after.plan) & counts.done.keys():",
        "if still := set():",
        module="run.second_look",
        test=RUNS,
    ),
    _mutant(
        "what was undone is no revert",
        "if moved := [key for key in stored if key not in told]:",
        "if moved := [key for key in stored if key in told]:",
        module="run.second_look",
        test=RUNS,
    ),
    _mutant(
        "a spelling counts as a revert",
        "if moved := [key for key in stored if key not in told]:",
        "if moved := stored:",
        module="run.second_look",
        test=RUNS,
    ),
    _mutant(
        "a listing that fails after a second push ends the run",
        '    except (ApiError, UnsafePlan) as error:\n        text = f"rows were pushed once more, and',
        '    except UnsafePlan as error:\n        text = f"rows were pushed once more, and',
        module="run.second_look",
        test=RUNS,
    ),
    _mutant(
        "a saved plan pushes as if for the first time",
        "            again=saved.again,\n",
        "",
        module="run.saved_plan",
        test=VERBS,
    ),
    _mutant(
        "a saved plan does not know what was there",
        "self._see(await self._known(record))\n",
        "self.ids = as_known(record).rows.keys()\n",
        module="run.compare",
        test=VERBS,
    ),
    _mutant(
        "a saved plan tells what a person allowed",
        "company.counts.lets_spellings = STORED_OTHERWISE in slugs",
        "pass",
        module="run.saved_plan",
        test=VERBS,
    ),
    _mutant(
        "what is not carried out is uncertain in a saved plan",
        'if slug in {"rejected", NOT_APPLIED}:',
        'if slug == "rejected":',
        module="run.row_counts",
        test=VERBS,
    ),
    _mutant(
        "chunks of a second push are not reckoned apart",
        "parts = (together(plan.creates, plan.first_updates), *_rounds_again(company, plan.updates_again))",
        "parts = (together(plan.creates, plan.updates),)",
        module="run.write",
        test=VERBS,
    ),
)

_NEW = (
    _mutant(
        "one that the ledger knows counts as new",
        "set(_among(record.entries.positions, keys))",
        "set[int]()",
        module="compare.new_rows",
        test=NEW_ROWS,
    ),
    _mutant(
        "one that looks like a remote row counts as new",
        "if len(remotes):",
        "if not len(remotes):",
        module="compare.new_rows",
        test=NEW_ROWS,
    ),
    _mutant(
        "two with one natural key count as new",
        "found.update(_repeated(",
        "set[int]().update(_repeated(",
        module="compare.new_rows",
        test=NEW_ROWS,
    ),
)

AGREEMENT = (*_JUDGED, *_RESTING, *_SHOWN, *_ANSWERED, *_CLOSED, *_LEARNT, *_PUSHED, *_NEW)
