"""The events of a run, and their union `Event`: the same objects as in the package itself."""

from engine.model.events import (
    ChunkSettled,
    CompanyFinished,
    CompanyStarted,
    Event,
    Listed,
    PageRead,
    Parked,
    Planned,
    RequestAnswered,
    RequestSent,
    RunFinished,
    RunStarted,
    SourceRead,
    Waiting,
    WaitKind,
    WidthChanged,
)

__all__ = [
    "ChunkSettled",
    "CompanyFinished",
    "CompanyStarted",
    "Event",
    "Listed",
    "PageRead",
    "Parked",
    "Planned",
    "RequestAnswered",
    "RequestSent",
    "RunFinished",
    "RunStarted",
    "SourceRead",
    "WaitKind",
    "Waiting",
    "WidthChanged",
]
