"""The form of Teams' workflows ("when a Teams webhook request is received"): one adaptive card.

Every text is a run of a `RichTextBlock`, in which Markdown is not read, so that there is no link and no formatting
(https://learn.microsoft.com/adaptive-cards/schema-explorer/text-run), and no mention, since none is declared. Two
braces, which begin a date that the reader's device would spell, are parted. A card of more than 28 KB is refused:
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.cli.notices.message import Message, Told, command_line, lines, more_words

MOST_BYTES = 28_000
"""Of the whole payload: a little less than 28 KB, whichever KB is meant."""

BRACES = "{{"

CARD = "application/vnd.microsoft.card.adaptive"


def teams(message: Message) -> dict[str, object]:
    """Return a message's payload."""
    body = [_line(message.title, weight="bolder", size="medium")]
    for each in (*message.trouble, *message.recovered):
        body += _told(each)
    body += [_line(text, isSubtle=True) for text in (more_words(message), message.footer) if text]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": body,
    }
    return {"type": "message", "attachments": [{"contentType": CARD, "contentUrl": None, "content": card}]}


def _told(told: Told) -> Iterator[dict[str, object]]:
    head = _line(f"{told.kind}  {told.code}{f': {told.who}' if told.who else ''}", weight="bolder")
    yield {**head, "separator": True, "spacing": "medium"}
    yield from map(_line, lines(told))
    if told.command:
        yield _line(told.lead, isSubtle=True)
        yield _line(command_line(told, BRACES), fontType="monospace")


def _line(text: str, **look: object) -> dict[str, object]:
    run = {"type": "TextRun", "text": text.replace(BRACES, "{ {"), **look}
    return {"type": "RichTextBlock", "spacing": "small", "inlines": [run]}
