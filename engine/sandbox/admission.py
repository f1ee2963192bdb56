"""Whether a request is let in: the gateway's refusals, the vendor's own, and answers that were given before."""

from __future__ import annotations

import re
from collections.abc import Container
from dataclasses import dataclass

from engine.sandbox.access import Access
from engine.sandbox.contract import Contract
from engine.sandbox.exchange import Answer, Call, envelope, gateway
from engine.sandbox.faults.scheduled_fault import ScheduledFault
from engine.sandbox.reading import DIRECTORY, methods
from engine.sandbox.replay import Replays, Slot
from engine.sandbox.tenant import Tenant

MAX_BODY_BYTES = 10_000_000  # of AWS API Gateway
IDEMPOTENCY_KEY = re.compile(r"[A-Za-z0-9._\-+=/]{1,128}")


@dataclass(slots=True, kw_only=True)
class Admission:
    """Looks at each request before its work is done."""

    contract: Contract
    tenant: Tenant
    access: Access
    max_bulk_rows: int
    batches: Container[str]  # ids of those that were accepted
    replays: Replays

    def gate(self, turn: ScheduledFault, second: float) -> Answer | None:
        """Return the gateway's refusal: an unknown API key, rate or quota exceeded, or too large a body; None: none."""
        if turn.call.api_key not in self.access.by_key:
            return gateway(403, "Forbidden")
        words = self.access.count(turn.call.api_key, now=turn.now, second=second)
        if words is not None:
            return gateway(429, words)
        return gateway(413, "Request Too Long") if len(turn.call.body) > MAX_BODY_BYTES else None

    def refusal(self, turn: ScheduledFault) -> Answer | None:
        """Return the vendor's first refusal, in the order in which a server checks; None: none."""
        call = turn.call
        if call.operation == "token":
            return None
        if call.operation == "unknown":
            known = bool(methods(call.path, self.contract))
            return error(turn, 405 if known else 404, "Method not allowed" if known else "Not found", None)
        if not self.access.holds(call.api_key, call.authorization, now=turn.now):
            return error(turn, 401, "Unauthorized", "Invalid or expired access token.")
        if call.wrong is not None:
            return error(turn, 400, "Bad request", call.wrong)
        hidden = self._hidden(turn)
        if hidden is None and len(call.items) > self.max_bulk_rows:
            return error(turn, 400, "Bad request", {"dimensions": [f"at most {self.max_bulk_rows} rows"]})
        return hidden

    def _hidden(self, turn: ScheduledFault) -> Answer | None:
        """Return the refusal of a company or row that does not exist, or that the account may not see; None: none."""
        call, account = turn.call, turn.entry.account
        if call.operation in DIRECTORY:
            seen = call.path_id in ("", account)
            return None if seen else error(turn, 404, "Not found", "No such account.")
        if call.operation in ("progress", "results") and call.path_id not in self.batches:
            return error(turn, 404, "Not found", "No such batch.")
        if call.operation == "list" and call.company_id is None:
            return None  # it is about all companies of the account
        company = self.tenant.company(call.company_id)
        if company is not None and company.account_id == account:
            return None
        if call.operation == "get":
            return error(turn, 404, "Not found", "No such dimension.")
        return error(turn, 403, "Forbidden", "You do not have access to this company.")

    def replay(self, turn: ScheduledFault) -> Answer | None:
        """Return the answer of the idempotency cache; None: it has none, and the key is now in flight."""
        slot = _slot(turn.call)
        if slot is None:
            return None
        if not IDEMPOTENCY_KEY.fullmatch(slot.key):
            return error(turn, 400, "Bad request", {"Idempotency-Key": ["malformed"]})
        begun = self.replays.begin(slot, turn.call.body, now=turn.now)
        if begun is None:
            return None
        if not begun.same(turn.call.body):
            return error(turn, 422, "Unprocessable", "This idempotency key was used with another body.")
        if begun.answer is None:
            return error(turn, 409, "Conflict", "A request with this idempotency key is in flight.")
        turn.entry.replayed = True
        return begun.answer

    def end(self, call: Call, answer: Answer) -> None:
        """Keep an answer for requests that repeat this one."""
        slot = _slot(call)
        if slot is not None:
            self.replays.end(slot, answer)


def error(turn: ScheduledFault, status: int, code: str, message: object) -> Answer:
    """Return a refusal in the vendor's own words."""
    return envelope(turn.call, turn.now, status, code, message)


def _slot(call: Call) -> Slot | None:
    """Return where the idempotency cache keeps this request; None: requests of this kind are not cached."""
    if call.idempotency_key is None or call.operation not in ("create", "bulk"):
        return None
    return Slot(call.api_key, call.method, call.path, call.idempotency_key)
