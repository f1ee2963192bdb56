"""Codes of what `dimsync lookup` finds out about invoices."""

from __future__ import annotations

from engine.cli.codes.code import Code

LOOKUPS = (
    Code(
        "no-such-company",
        "An invoice names no company, or one that the settings do not name.",
        "Nothing is looked up for it (exit 3).",
        "Correct its `ottimate_company_id`, or say `dimsync lookup FILE --company ID` where it has none;"
        " `dimsync companies` lists what there is.",
    ),
    Code(
        "no-such-type",
        "An invoice names a type of dimension of which the company has no row in Ottimate.",
        "Ottimate would refuse the invoice, or show it as not exported (exit 3).",
        "Write one of the company's own types, as named beside the message; if rows of that type are still to come,"
        " `dimsync sync --select company:ID` first.",
    ),
    Code(
        "no-such-dimension",
        "The company has no row of that type with the ERP id that the invoice names. What was probably meant is named.",
        "Ottimate would refuse the invoice, or show it as not exported (exit 3).",
        "Correct the id in the invoice, exactly as Ottimate has it; if the row is new in the ERP,"
        " `dimsync sync --select company:ID` first.",
    ),
    Code(
        "missing-dimension",
        "A line of an invoice, or an invoice without lines, has no dimension of a type that `--require` asks for.",
        "The invoice is told as incomplete (exit 3).",
        "Give the line that dimension, or the header, which stands for all lines.",
    ),
    Code(
        "type-spelling",
        "An invoice writes a type otherwise than the company does, such as in capitals. The guide's contract takes"
        " types by their labels.",
        "A notice: the dimension was found under the company's own label, and the exit code stays.",
        "Write the type as named beside the message.",
    ),
    Code(
        "column-ignored",
        "A column of a CSV file of invoices is no type of the company.",
        "A notice: its cells were not looked up, and the exit code stays.",
        "Nothing, if it holds something else; else name it as the company names the type, or `dimensions.NAME`, which"
        " is always looked up.",
    ),
    Code(
        "no-such-location",
        "The account's list of locations, read just now, does not show the one that the invoice names.",
        "Ottimate would refuse the invoice (exit 3).",
        "Correct its `ottimate_location_id`; `dimsync companies --locations` lists them.",
    ),
    Code(
        "foreign-location",
        "The location that the invoice names is another company's than the invoice.",
        "The invoice would be of two companies at once (exit 3).",
        "Find out which of the two ids is wrong; `dimsync companies --locations` lists locations with their companies.",
    ),
    Code(
        "location-unclear",
        "The API tells a location's company by name alone, and that name is no company's or several companies'.",
        "A notice: whether the location is the company's is not known, and the exit code stays.",
        "Look at it in Ottimate, or give the companies names that differ.",
    ),
    Code(
        "other-company",
        "Everything that the company lacks of what the invoice names is there in another company of the account.",
        "The invoice was probably made for that one (exit 3).",
        "Correct the invoice's `ottimate_company_id` if so.",
    ),
)
"""In the order in which `dimsync help` lists them."""
