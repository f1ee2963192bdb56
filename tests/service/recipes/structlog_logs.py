"""JSON lines of structlog: the engine's records among the program's own."""

import logging
from typing import TextIO

import structlog

IDS = ("run_id", "account", "company_id", "request_id")


def set_up(stream: TextIO, level: int = logging.INFO) -> logging.Handler:
    """Write all loggers' records, a JSON object a line."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=IDS),  # as keys of the object
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.dict_tracebacks,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.getLogger().addHandler(handler)
    logging.getLogger("dimsync").setLevel(level)  # else it is silent
    return handler
