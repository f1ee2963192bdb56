"""The keys of a source's rows are known, whichever dict they are in."""

from __future__ import annotations

import pytest

from engine.sources import borne_keys
from engine.sources.borne_keys import BorneKeys


def test_keys_are_known_over_several_dicts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(borne_keys, "MOST", 5)
    keys, texts = BorneKeys(), [f"k{number}" for number in range(20)]
    for start in range(0, len(texts), 3):
        batch = texts[start : start + 3]
        assert not keys.has_any(batch)
        keys.add(dict.fromkeys(batch))
        assert all(key in keys for key in batch)
    assert all(key in keys for key in texts)
    assert all(keys.has_any(["other", key]) for key in texts)
    assert "other" not in keys
    assert not keys.has_any(["other"])


def test_a_batch_that_is_larger_than_a_dict_is_taken_in_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(borne_keys, "MOST", 1)
    keys = BorneKeys()
    keys.add({"a": None, "b": None})
    keys.add({})
    keys.add({"c": None})
    assert [key in keys for key in "abcd"] == [True, True, True, False]
