"""Names of columns and lists in exports, folded as in `columns`, the best ones first."""

from __future__ import annotations

import re

IDS = """internalid id recordno accountid listid accountcd konto kontonummer kontonr sachkonto no nummer number
accountnumber acctnum accnum accountno acctno account acct code accountcode glcode numero compte codigo cuenta conto
codice rekening key reference ref"""
"""Columns that hold a row's id in its ERP, the best first."""

NAMES = """fullname fullyqualifiedname fullaccountname accountname displayname name title kontenbeschriftung
kontobezeichnung bezeichnung beschriftung libelle intitule nombre nome denominazione descrizione naam omschrijving
description beschreibung"""

CODES = "number accountnumber acctnum accnum accountno accountcode acct account code no"

OUT = """inactive isinactive hidden blocked archived isarchived deleted isdeleted disabled closed placeholder inaktiv
gesperrt inactif bloque inattivo"""
"""Columns whose yes means that a row is no longer used."""

IN = "active isactive enabled isenabled aktiv actif activo ativo attivo"

COMPANIES = "ottimatecompanyid companyid company clientid client entityid mandant mandantid"
"""Columns that may hold the id of each row's company, where all values are numbers."""

STATES = "status state accountstatus activestatus"
KINDS = "accounttype type kind kontoart art"

GONE = re.compile(r"inactive|archived|closed|deleted|blocked|inaktiv|gesperrt", re.IGNORECASE)
HEADINGS = re.compile(
    r"(begin|end)[ -]?total|heading|header|total|summary|title|non.?posting|überschrift|titel|gruppe", re.IGNORECASE
)
SPLIT = re.compile(r"(\d[\w.-]*)( ?[\u00b7:\u2013\u2014] ?| - )\D")

LISTS = {
    "department": ("department", "Department", "department|kostenstelle|abteilung|departement"),
    "location": ("location", "Location", "location|branch|store|standort|filiale"),
    "cost_type": ("cost_type", "Cost Type", "cost.?type|cost.?code|kostenart"),
    "project": ("project", "Project", "project|job|projekt|projet"),
    "task": ("task", "Task", "task"),
    "item": ("item", "Item", "item|product|sku|artikel|inventory"),
    "account": ("account", "Account", "account|acct|accnum|konto|konten|chart|compte|cuenta|gl.?code"),
}
"""Type code -> code, label, and the words that tell of such a list, the rarer ones first."""
