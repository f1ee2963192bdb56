"""The file format of a saved plan, `dimsync.plan/1`: JSON that a person can review, with a digest.

The digest is no signature: it shows that a file was changed by mistake or cut short.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from typing import Any

from engine.errors import ConfigError
from engine.model.change import Change, Hold
from engine.model.dimension import Dimension
from engine.model.outcome import Problem
from engine.model.result import CompanyResult, RunResult, left_out_json
from engine.model.row_history import Generation
from engine.model.saved_plan import CompanyPlan, SavedPlan
from engine.model.wanted import LeftOut, SourceCounts

PLAN_SCHEMA = "dimsync.plan/1"

COUNTS = (
    "source_rows",
    "unchanged",
    "adopted",
    "code_unseen",
    "invalid",
    "remote_count",
    "bulk_requests",
    "was_compared",
)


def saved_plan(result: RunResult, *, origin: str, contract: str) -> SavedPlan:
    """Return what a `plan` run found, to be saved; for companies that it could not plan, the reason."""
    return SavedPlan(
        plan_id=result.run_id,
        made_at=result.started_at,
        origin=origin,
        contract=contract,
        allowed=result.allowed,
        companies=tuple(one.plan or _not_planned(one) for one in result.companies),
    )


def _not_planned(one: CompanyResult) -> CompanyPlan:
    why = tuple(replace(each, since=None, is_news=True) for each in one.problems if each.key is None)[:1]
    return CompanyPlan(
        company_id=one.company_id,
        account=one.account,
        name=one.name,
        generation=Generation(),
        not_planned=why or (Problem(code=str(one.state), message="nothing was compared"),),
        left_out_by=one.left_out_by,
        source_rows=one.balance.source_rows,
        invalid=one.balance.invalid or 0,
        was_compared=False,
    )


def write_plan(plan: SavedPlan) -> str:
    """Return the plan as JSON text that a person can review, and `read_plan` reads."""
    document = _document(plan)
    return json.dumps(document | {"digest": _digest(document)}, ensure_ascii=False, indent=1)


def plan_digest(plan: SavedPlan) -> str:
    """Return 32 hex characters that are equal exactly when two plans are: what a person approves."""
    return _digest(_document(plan))


def _document(plan: SavedPlan) -> dict[str, Any]:
    return {
        "schema": PLAN_SCHEMA,
        "plan_id": plan.plan_id,
        "made_at": plan.made_at.isoformat(),
        "origin": plan.origin,
        "contract": plan.contract,
        "allowed": list(plan.allowed),
        "totals": plan.totals._asdict(),
        "companies": [_company(one) for one in plan.companies],
    }


def read_plan(text: str, name: str = "the plan") -> SavedPlan:
    """Return the plan that `write_plan` made this text of. Raises `ConfigError`, which calls the text `name`."""
    try:
        document = json.loads(text)
        schema, digest = document["schema"], document.pop("digest")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ConfigError(f"{name} is no saved plan: `dimsync plan -o FILE` makes one") from error
    if schema != PLAN_SCHEMA:
        raise ConfigError(f"{name} is a plan in {schema!r}, and this dimsync reads {PLAN_SCHEMA}: make a new one")
    if digest != _digest(document):
        raise ConfigError(
            f"{name} is not as it was made (its digest differs): a plan is reviewed, never edited; make a new one"
        )
    try:
        return SavedPlan(
            plan_id=document["plan_id"],
            made_at=datetime.fromisoformat(document["made_at"]),
            origin=document["origin"],
            contract=document["contract"],
            allowed=tuple(document["allowed"]),
            companies=tuple(_read_company(one) for one in document["companies"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f"{name} is no saved plan: {error!r} is missing or wrong in it") from error


def _digest(document: Mapping[str, Any]) -> str:
    canonical = json.dumps(document, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=16).hexdigest()


def _company(plan: CompanyPlan) -> dict[str, Any]:
    return {
        "company_id": plan.company_id,
        "name": plan.name,
        "account": plan.account,
        "generation": list(plan.generation),
        "settings": plan.settings,
        **{name: getattr(plan, name) for name in COUNTS},
        "list_requests": plan.list_requests,
        "left_out_by": [left_out_json(each) for each in plan.left_out_by],
        "sources": [each._asdict() for each in plan.sources],
        "held_by": [_problem(problem) for problem in plan.held_by],
        "not_planned": [_problem(problem) for problem in plan.not_planned],
        "creates": [_change(change) for change in plan.creates],
        "updates": [_change(change) for change in plan.updates],
        "canaries": [_change(change) for change in plan.canaries],
        "reverts": list(plan.reverts),
        "again": {key: dict(shown) for key, shown in plan.again.items()},
        "orphans": list(plan.orphans),
        "source_keys": dict(plan.source_keys),
        "holds": [hold._asdict() for hold in plan.holds],
        "refused": [hold._asdict() for hold in plan.refused],
    }


def _change(change: Change) -> dict[str, Any]:
    row = change.row._asdict()
    shown = {name: {"from": old, "to": new} for name, old, new in change.moves_to}
    filled = {} if change.code is None else {"sent_code": change.code}
    return {"remote_id": change.remote_id, "row": row, "fields": shown, **filled}


def _problem(problem: Problem) -> dict[str, str]:
    return {"code": problem.code, "message": problem.message}


def _read_company(one: Mapping[str, Any]) -> CompanyPlan:
    creates, updates, canaries = (
        tuple(_read_change(change) for change in one[part]) for part in ("creates", "updates", "canaries")
    )
    return CompanyPlan(
        company_id=one["company_id"],
        name=one["name"],
        account=one["account"],
        generation=Generation(*one["generation"]),
        settings=one["settings"],
        held_by=tuple(Problem(**problem) for problem in one["held_by"]),
        not_planned=tuple(Problem(**problem) for problem in one["not_planned"]),
        creates=creates,
        updates=updates,
        canaries=canaries,
        reverts=tuple(one["reverts"]),
        again=one.get("again", {}),  # plans of earlier versions have none
        list_requests=one.get("list_requests", 0),
        left_out_by=tuple(_left_out(each) for each in one.get("left_out_by", ())),
        sources=tuple(SourceCounts(**each) for each in one.get("sources", ())),
        orphans=tuple(one["orphans"]),
        source_keys=tuple(sorted(one["source_keys"].items())),
        holds=tuple(Hold(**hold) for hold in one["holds"]),
        refused=tuple(Hold(**hold) for hold in one["refused"]),
        **{name: one[name] for name in COUNTS},
    )


def _left_out(one: Mapping[str, Any]) -> LeftOut:
    return LeftOut(one["reason"], one["column"], one["value"], one["type"], one["rows"])


def _read_change(change: Mapping[str, Any]) -> Change:
    fields = change["fields"]
    before = tuple(values["from"] for values in fields.values())
    return Change(Dimension(**change["row"]), change["remote_id"], tuple(fields), change.get("sent_code"), before)
