"""The shipped schema of a result, closed: no object may have a key that the schema does not name.

The shipped one lets readers pass over keys that a later version adds; here each key that is written has to be in it.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

SHIPPED: dict[str, Any] = json.loads((files("engine.model") / "result-1.schema.json").read_text("utf-8"))


def closed(schema: Any) -> Any:
    """Return a copy of a schema in which each object with named keys has no others."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: closed(part) for name, part in schema.items()}
    return parts | {"additionalProperties": False} if schema.get("type") == "object" else parts


SCHEMA: dict[str, Any] = closed(SHIPPED)
