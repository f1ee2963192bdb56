"""What a whole listing teaches the ledger: links, rows changed or gone behind our back, rows that no key leads to."""

from __future__ import annotations

from datetime import datetime

from engine.model.dimension import Dimension, NaturalKey, RemoteRow, natural_key
from engine.model.known import Acknowledged, Known, Learned
from engine.model.listing import Certificate
from engine.planning.match import Matching, RemoteIndex, Via


def learn(
    matching: Matching, index: RemoteIndex, acked: Acknowledged, certificate: Certificate, at: datetime
) -> Learned:
    """Return what to note before anything is sent: only what the ledger does not hold already.

    Afterwards `image` of the ledger equals the listing, so that the next run can compare without reading.
    """
    rows: dict[str, Known] = {}
    gone: list[str] = []
    linked = {pair.remote.id for pair in matching.pairs}
    paired: set[str] = set()
    for row, remote, via, known in matching.pairs:
        paired.add(row.key)
        updated = _seen_again(known, remote, via) if known else _first_seen(row.key, remote, via)
        if updated != known:
            rows[row.key] = updated
    lost = [(key, known) for key, known in acked.rows.items() if key not in paired]
    bearers = _bearers(index) if any(known.remote_id is None for _, known in lost) else {}
    for key, known in lost:
        candidates = _candidates(known, index, bearers)
        if len(candidates) == 1 and (known.remote_id is not None or candidates[0].id not in linked):
            linked.add(candidates[0].id)
            updated = _seen_again(known, candidates[0], Via.LEDGER)
            if updated != known:
                rows[key] = updated
        elif not candidates and known.settled:
            gone.append(key)
    strays = tuple(sorted(row for row in index.rows.values() if row.id not in linked))
    return Learned(
        certificate=certificate,
        at=at,
        rows=rows,
        gone=tuple(gone),
        strays=None if strays == acked.strays else strays,
    )


def _first_seen(key: str, remote: RemoteRow, via: Via) -> Known:
    """Adopt a remote row: its values as shown, the code only where the listing shows one."""
    shown = Dimension(key, *remote[1:5], remote.code)
    return Known(shown, remote.id, via is Via.LISTED_KEY, settled=True, code_known=remote.code is not None)


def _seen_again(known: Known, remote: RemoteRow, via: Via) -> Known:
    """Bring an entry up to what a listing shows; what was sent with unknown outcome stays unsettled."""
    confirmed = known.confirmed or via is Via.LISTED_KEY
    row, code_known = known.row, known.code_known
    if remote.code is not None and not code_known and known.settled:
        row, code_known = row._replace(code=remote.code), True
    agrees = (row[1:5] == remote[1:5] and (remote.code is None or remote.code == row.code)) or not known.settled
    return Known(row, remote.id, confirmed, known.settled, code_known, None if agrees else remote)


def _bearers(index: RemoteIndex) -> dict[NaturalKey, list[RemoteRow]]:
    found: dict[NaturalKey, list[RemoteRow]] = {}
    for row in index.rows.values():
        found.setdefault(natural_key(row), []).append(row)
    return found


def _candidates(known: Known, index: RemoteIndex, bearers: dict[NaturalKey, list[RemoteRow]]) -> list[RemoteRow]:
    """Return the remote rows that an unpaired key may lead to: by id or, while that is unknown, by natural key."""
    if known.remote_id is None:
        return bearers.get(natural_key(known.row), [])
    found = index.rows.get(known.remote_id)
    return [] if found is None else [found]
