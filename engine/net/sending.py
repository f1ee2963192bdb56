"""Send a call once, in a place of the key's gate, and note what came of it."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import anyio

from engine.errors import OutcomeUnknown
from engine.model.settings import Api, Secret
from engine.net.call import Call
from engine.net.departure import Departure, NotNow
from engine.net.http.answer import request_id
from engine.net.http.exchange import Answer, Request, Transport
from engine.net.key import Key
from engine.net.limits.gate import Place
from engine.net.limits.quota import Quota
from engine.net.limits.width import trouble_of
from engine.net.request import Requests
from engine.net.telling import AnswerTelling
from engine.net.trouble.host import Host
from engine.net.trouble.parking import Parking


class _Sent(NamedTuple):
    """One send that is out."""

    place: Place
    kind: str  # counted as
    quota: Quota  # of the API key that it was sent with
    day: date  # of the quota
    was_exposed: bool  # `Call.exposed` before it


class Sending:
    """Carries the requests of one account over one transport."""

    def __init__(
        self,
        key: Key,
        api: Api,
        parking: Parking,
        departure: Departure,
        host: Host,
        transport: Transport,
        telling: AnswerTelling,
    ) -> None:
        """Take what a request passes on its way out. `telling`: is told what became of it."""
        self._key = key
        self._requests = Requests(api)
        self._parking = parking
        self._departure = departure
        self._host = host
        self._transport = transport
        self._timeout_s = key.account.limits.timeout_s
        self._telling = telling

    async def send(self, call: Call[Any], token: Secret | None) -> Answer:
        """Wait for a place and for leave to send, send once, and return the answer, whatever it says.

        Raises `OutcomeUnknown` when no whole answer came, `NotNow`, and what `Departure.leave` raises.
        """
        account, quota = self._key.account, self._key.quota  # both of one API key, which may change while this waits
        if account.fault:
            raise NotNow
        request = self._requests.request(call, token, account)
        async with self._key.gate.place(self._parking.begun) as place:
            if token is not None and not self._key.keeper.is_good(token):  # refused while this call waited
                raise NotNow
            kind = "retry" if call.sends else call.kind
            day = await self._departure.leave(call, kind, place, quota)
            sent = _Sent(place=place, kind=kind, quota=quota, day=day, was_exposed=call.exposed)
            call.used = account
            _note_sent(call, sent)
            answer = await self._exchange(call, sent, request)
            call.exposed = sent.was_exposed
            self._learn(sent, call, answer.status, received=len(answer.body))
            quota.answered(day, answer.headers.get("Date"))
        call.status, call.request_id = answer.status, request_id(answer.headers) or call.request_id
        if self._telling.listens():
            await self._telling.tell(call)
        return answer

    async def _exchange(self, call: Call[Any], sent: _Sent, request: Request) -> Answer:
        """Exchange one request. A cancelled call is still answered, or times out: its outcome is wanted."""
        self._host.sent(call)
        try:
            answer = await self._in_time(request, sent.place.sent_at_s)
        except OutcomeUnknown as error:
            if self._telling.listens():
                await self._telling.tell(call, error)
            self._note_unanswered(call, sent, error)
            raise
        finally:
            self._host.landed(call)
        return answer

    async def _in_time(self, request: Request, sent_at_s: float) -> Answer:
        """Exchange one request within the time that the limits allow. One scope is both the shield and the timer."""
        with anyio.CancelScope(deadline=sent_at_s + self._timeout_s, shield=True):
            return await self._transport.send(request)
        raise OutcomeUnknown(f"no answer within {self._timeout_s:g} s", timed_out=True)

    def _note_unanswered(self, call: Call[Any], sent: _Sent, error: OutcomeUnknown) -> None:
        """Note that no whole answer came; what never left (there was no connection) is counted no more."""
        self._learn(sent, call, error.status, timed_out=error.timed_out)
        if not error.unsent:
            sent.quota.answered(sent.day, None)
            return
        call.exposed = sent.was_exposed
        call.sends -= 1
        call.spent.add(sent.kind, -1)
        self._departure.take_back(call, sent.quota, sent.day)

    def _learn(
        self, sent: _Sent, call: Call[Any], status: int | None, *, received: int = 0, timed_out: bool = False
    ) -> None:
        """Tell the gate what came of a request. It compares the times of requests of one kind and about one size."""
        size = (len(call.body or b"") + received).bit_length()
        self._key.gate.answered(sent.place, (call.kind, size), trouble_of(status, timed_out=timed_out))


def _note_sent(call: Call[Any], sent: _Sent) -> None:
    """Note on the call that it is out. It counts as exposed until it is known better: a send may end without answer."""
    call.sends += 1
    call.first_sent_at_s = call.first_sent_at_s or sent.place.sent_at_s
    call.sent_at_s = sent.place.sent_at_s
    call.spent.add(sent.kind)
    call.exposed = True
