"""The form of incoming webhooks of Slack: blocks of text that mention nobody and link nowhere.

https://docs.slack.dev/messaging/formatting-message-text: `&`, `<` and `>` are escaped, without which `<!channel>` calls
everybody and `<http://...|text>` is a link; `verbatim` keeps Slack from making links of its own. Names and messages
stand in code blocks, where nothing else is formatted, and lose their backticks.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.cli.notices.message import Message, Told, command_line, lines, more_words

MOST_BYTES = 40_000
MOST_SECTION = 3_000
"""Characters of one section's text; https://docs.slack.dev/reference/block-kit/blocks/section-block."""

MOST_BLOCKS = 50
"""Blocks of one message: two for the first and last lines, and one for each thing that is told."""

ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}


def slack(message: Message) -> dict[str, object]:
    """Return a message's payload."""
    told = [_section(_text(each)) for each in (*message.trouble, *message.recovered)]
    last = "; ".join(filter(None, (more_words(message), message.footer)))
    blocks = [_section(f"*{escaped(message.title)}*"), *told[: MOST_BLOCKS - 2], _section(escaped(last))]
    return {"text": cut(escaped(message.title)), "blocks": blocks}


def _text(told: Told) -> str:
    head = f"*{escaped(told.kind)}* {escaped(told.code)}{f': {told.who}' if told.who else ''}"
    return f"{head}\n{_code(_lines(told), MOST_SECTION - len(head) - 1)}"


def _lines(told: Told) -> Iterator[str]:
    yield from lines(told)
    if told.command:
        yield f"{told.lead} {command_line(told, '`')}"


def _code(texts: Iterator[str], most: int) -> str:
    """Return a code block of at most so many characters. What does not fit is cut, never within an entity."""
    return f"```{cut(escaped(chr(10).join(texts).replace('`', chr(39))), most - 6)}```"


def _section(text: str) -> dict[str, object]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text), "verbatim": True}}


def escaped(text: str) -> str:
    """Return a text in which Slack sees no mention, no link and no entity."""
    return "".join(ENTITIES.get(char, char) for char in text)


def cut(text: str, most: int = MOST_SECTION) -> str:
    """Return an escaped text of at most `most` characters; "…" shows a cut. No entity is cut in two."""
    if len(text) <= most:
        return text
    kept = text[: most - 1]
    start = kept.rfind("&")
    return f"{kept if start < 0 or ';' in kept[start:] else kept[:start]}…"
