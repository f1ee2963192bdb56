"""Codes of source rows that cannot be sent."""

from __future__ import annotations

from engine.cli.codes.code import Code

SOURCE_ROWS = (
    Code(
        "duplicate-key",
        "Several rows of the source bear the same key.",
        "All of them are invalid (exit 3) and none is sent, since nobody can tell which is meant. What Ottimate has"
        " under that key stays as it is.",
        "Give each row a key of its own in the source, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "missing-field",
        "A row of the source lacks a field that it must have, or one that the mapping's `where` asks for.",
        "The row is invalid (exit 3) and not sent; the others are.",
        "Fill in the field that the message names, or correct the mapping, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "not-text",
        "A field of the source is a number, a truth value or a structure, or holds half a character.",
        "The row is invalid (exit 3) and not sent: 0100 as a number has lost its zero already.",
        "Export the field as text (in JSON: in quotes), then `dimsync sync --select company:ID`.",
    ),
    Code(
        "control-characters",
        "A field of the source holds a line break, a tab or another control character.",
        "The row is invalid (exit 3) and not sent; the message says where in the field it is.",
        "Take the character out of the field in the ERP, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "invisible-characters",
        "A key or an ERP id of the source holds a character that nobody can see, such as a zero-width space.",
        "The row is invalid (exit 3) and not sent: its id would look like another one's.",
        "Take the character out of the id in the ERP, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "rounded-id",
        "A key or an ERP id of the source is a rounded number, such as 2.87796E+18.",
        "The row is invalid (exit 3) and not sent: a spreadsheet has replaced the last digits by zeros.",
        "Export the list again and do not save it in a spreadsheet, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "unclear-filter",
        "The mapping's `where` does not say what is to become of a row with this value.",
        "The row is invalid (exit 3) and not sent: it asks for yes or no, or for one of `keep` and `out`, and the value"
        " is neither.",
        "Name the value in the mapping: `where = { COLUMN = { keep = [...], out = [...] } }`, then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "too-long",
        "A field of the source has more than 65,536 bytes.",
        "The row is invalid (exit 3) and not sent; the others are.",
        "Shorten the field, or close the quote that let it swallow other rows; then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "unknown-type",
        "The contract does not know the dimension_type_code of a row.",
        "The row is invalid (exit 3) and not sent; the message lists the codes that can be.",
        "Correct the code, map it under `type_codes` of the mapping, or leave such rows out with `where`. Then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "doubled-column",
        "An object of the source gives the same field twice, under two spellings.",
        "The row is invalid (exit 3) and not sent, since nobody can tell which of the two holds.",
        "Leave one of the two out of the export, or name the right one under `columns` of the mapping. Then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "foreign-company",
        "A row of the source names another company in its column `ottimate_company_id`.",
        "The row is invalid (exit 3) and not sent; rows that name this company, or none, are.",
        "Check whether the company was given another one's file. Where one file holds rows of many companies, give each"
        " company a file of its own, or leave the other rows out with `where`; then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "ragged-row",
        "A line of the source has more or fewer cells than the header.",
        "The row is invalid (exit 3) and not sent, since its cells may stand under the wrong names.",
        "Correct the line that the problem names: often a comma in a field without quotes. Then"
        " `dimsync sync --select company:ID`.",
    ),
    Code(
        "bad-quoting",
        "A line of the source has a quote that is not closed, or that stands inside a cell and is not doubled.",
        "The row is invalid (exit 3) and not sent; the others are.",
        "Double each quote inside a quoted field, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "bad-json",
        "A line or an entry of the source is not a JSON object.",
        "The row is invalid (exit 3) and not sent; the others are.",
        "Correct the line that the problem names, then `dimsync sync --select company:ID`.",
    ),
    Code(
        "rekeyed-twice",
        "The source has a key that was rekeyed, and also the key that it stands for.",
        "Both rows are invalid (exit 3) and none is sent: they would be one row in Ottimate.",
        "Leave one of the two out of the source, or undo the rekeying: `dimsync rekey ID --undo`.",
    ),
    Code(
        "not-in-source",
        "A row that was to be sent again is not in the company's source: it has left it, or a corrected file has"
        " another key.",
        "Nothing is sent for it; a row of a corrected file is invalid (exit 3).",
        "Nothing, if it was dropped on purpose; else put it right in the source, then"
        " `dimsync sync --select company:ID`.",
    ),
)
"""In the order in which `dimsync help` lists them."""
