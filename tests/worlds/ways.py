"""The ways of their own that servers have, by name. A way is drawn with its figures from a random generator.

Names read like paths, so that patterns can speak of them: what, where, for whom, when ("401:bulk:company:always").
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from random import Random
from typing import Any

from engine import Dimension
from tests.worlds.server import Call, Reply, Row, Server, Way, refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a way may be about: the contract, and what is wanted in each company."""

    contract: str
    wanted: Mapping[int, Sequence[Dimension]]


class When:
    """Which of the requests that a way is about it befalls, counted from 1."""

    def __init__(self, kind: str, n: int = 1) -> None:
        said = {"always": "always", "first": f"the first {n} times", "later": f"after {n} times"}
        self.text = said.get(kind, "every other time")
        self.n = n
        self._kind = kind
        self._count = 0

    def is_now(self) -> bool:
        """Count one, and return whether it is befallen."""
        self._count += 1
        match self._kind:
            case "first":
                return self._count <= self.n
            case "later":
                return self._count > self.n
            case "alternate":
                return self._count % 2 == 1
        return True


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """Which requests a way is about: of what kind, of which company, with which row."""

    what: str  # as calls are called; "all": any
    company: int | None = None  # None: any
    erp_id: str | None = None  # of a row; None: any

    def __str__(self) -> str:
        said = [
            self.what,
            f"company {self.company}" if self.company else "",
            f"row {self.erp_id}" if self.erp_id else "",
        ]
        return " of ".join(filter(None, said))

    def has(self, call: Call) -> bool:
        """Return whether a request is one of these."""
        is_kind = self.what in {call.what, "all"}
        is_whose = self.company in {None, call.company_id}
        return is_kind and is_whose and (self.erp_id is None or any(map(self.is_row, call.items)))

    def is_row(self, item: Mapping[str, Any]) -> bool:
        """Return whether this is the row."""
        return bool(item["erp_dimension_id"] == self.erp_id)


def about(what: str, whom: str, rng: Random, facts: Facts) -> About:
    """Draw the company or the row that a way is about."""
    company = rng.choice(sorted(facts.wanted)) if whom in {"company", "row"} else None
    row = rng.choice(list(facts.wanted[company])) if whom == "row" and company else None
    return About(what=what, company=company, erp_id=row and row.erp_id)


SLOW_DOWN = {"message": "Too Many Requests"}

ANSWERS: dict[str, list[Callable[[], Reply]]] = {
    "refused": [
        lambda: refusal(400, "bad request"),
        lambda: refusal(413, "too large"),
        lambda: refusal(422, "cannot be processed"),
        lambda: Reply(status=400, raw=b""),
    ],
    "401": [lambda: refusal(401, "who are you"), lambda: Reply(status=401, document={"message": "Unauthorized"})],
    "403": [lambda: refusal(403, "not yours")],
    "gateway": [lambda: Reply(status=403, document={"message": "Forbidden"})],
    "missing": [lambda: refusal(404, "no such thing"), lambda: Reply(status=405, raw=b"<h1>Not allowed</h1>")],
    "busy": [lambda: refusal(409, "still at it")],
    "throttled": [
        lambda: Reply(status=429, document=SLOW_DOWN),
        lambda: Reply(status=429, document=SLOW_DOWN, headers={"Retry-After": "3"}),
        lambda: Reply(status=429, document=SLOW_DOWN, headers={"Retry-After": "soon"}),
    ],
    "told-to-wait": [
        lambda: Reply(status=429, document=SLOW_DOWN, headers={"Retry-After": "4000"}),
        lambda: Reply(status=503, document=SLOW_DOWN, headers={"Retry-After": "4000"}),
    ],
    "quota": [
        lambda: Reply(status=429, document={"message": "Limit Exceeded"}),
        lambda: refusal(429, "daily quota used up"),
    ],
    "broken": [lambda: refusal(500, "oops"), lambda: Reply(status=502, raw=b"<html>Bad gateway</html>")],
    "unavailable": [
        lambda: Reply(status=503, document={"message": "Service Unavailable"}),
        lambda: Reply(status=503, raw=b"", headers={"Retry-After": "2"}),
        lambda: Reply(status=504, document={"message": "Endpoint request timed out"}),
    ],
    "lost": [lambda: refusal(500, "oops"), lambda: refusal(503, "later"), lambda: refusal(504, "too late")],
    "redirect": [lambda: Reply(status=307, raw=b"", headers={"Location": "/elsewhere"}), lambda: Reply(status=301)],
    "unreadable": [
        lambda: Reply(raw=b"<html>Welcome</html>"),
        lambda: Reply(raw=b""),
        lambda: Reply(raw=b'{"version": "1.0'),
        lambda: Reply(document=[]),
        lambda: Reply(document={"version": "1.0.0"}),
        lambda: Reply(document={"dimensions": [{"name": "x"}], "count": 1, "results": [{"name": "x"}]}),
        lambda: Reply(document={"dimensions": [], "results": [], "created": 1}),
    ],
    "208": [lambda: Reply(status=208, raw=b"")],
}
"""What is answered in place of a document, by name. "lost" and "208" carry the request out first."""


class Instead(Way):
    """Something else is answered than the document."""

    def __init__(self, answer: str, make: Callable[[], Reply], about: About, when: When) -> None:
        self.about, self.when, self.make = about, when, make
        self.carries_out = answer in {"lost", "208"}
        reply = self.make()
        after = f", Retry-After {reply.headers['Retry-After']}" if "Retry-After" in reply.headers else ""
        body = reply.raw if reply.raw is not None else reply.document
        self.text = f"{reply.status} {body!r}{after} to {about}, {when.text}"

    def __str__(self) -> str:
        return self.text

    def instead(self, server: Server, call: Call) -> Reply | None:
        if not self.about.has(call) or not self.when.is_now():
            return None
        if self.carries_out:
            server.honest(call)
        return self.make()


class Rows(Way):
    """Base of ways that some rows have, told by their ERP ids."""

    said = ""

    def __init__(self, rng: Random, facts: Facts) -> None:
        self.company = rng.choice(sorted(facts.wanted))
        rows = list(facts.wanted[self.company])
        self.erp_ids = frozenset(row.erp_id for row in rng.sample(rows, rng.randint(1, len(rows))))

    def __str__(self) -> str:
        return f"{self.said}: rows {', '.join(sorted(self.erp_ids))} of company {self.company}"

    def is_odd(self, item: Mapping[str, Any]) -> bool:
        """Return whether a row that is sent is one of these. Companies have no ERP id in common."""
        return item["erp_dimension_id"] in self.erp_ids

    def is_odd_row(self, row: Row) -> bool:
        """Return whether a stored row is one of these."""
        return row.company_id == self.company and row.values.erp_id in self.erp_ids


class Hidden(Rows):
    """Rows that are stored and found by id, and never listed."""

    said = "stored and never listed"

    def shows(self, row: Row) -> bool:
        return not self.is_odd_row(row)


class Buried(Hidden):
    """Rows that are stored and neither listed nor found."""

    said = "stored, never listed, not found by id"

    def finds(self, row: Row) -> bool:
        return not self.is_odd_row(row)


class Dropped(Rows):
    """Rows that are acknowledged and not stored."""

    said = "acknowledged and not stored"

    def stores(self, item: Mapping[str, Any]) -> bool:
        return not self.is_odd(item)


class Frozen(Rows):
    """Rows whose updates are acknowledged and not carried out."""

    said = "updates acknowledged and not carried out"

    def changes(self, item: Mapping[str, Any]) -> bool:
        return not self.is_odd(item)


class Anew(Rows):
    """Rows that are told as created each time, with a new id, whatever became of them."""

    said = "answered as created each time, with a new id"

    def retell(self, server: Server, call: Call, reply: Reply) -> Reply:
        if call.what == "bulk":
            answered = reply.document
            names = {item["name"] for item in call.items if self.is_odd(item)}
            updated, created = answered.get("updated", []), answered.get("created", [])
            odd = [entry for entry in updated + created if entry.get("name") in names]
            _recount(answered, "updated", [entry for entry in updated if entry not in odd])
            fresh = [entry | {"id": server.new_id()} for entry in odd]
            _recount(answered, "created", [entry for entry in created if entry not in odd] + fresh)
        return reply


class Inserted(Rows):
    """Rows that are made anew each time that they are sent: the bulk call is no upsert."""

    said = "made anew each time that they are sent"

    def doubles(self, item: Mapping[str, Any]) -> bool:
        return self.is_odd(item)


class Elsewhere(Rows):
    """Rows whose creation is told as the update of another row."""

    said = "answered as updates of another row"

    def retell(self, server: Server, call: Call, reply: Reply) -> Reply:
        if call.what == "bulk":
            answered = reply.document
            names = {item["name"] for item in call.items if self.is_odd(item)}
            other = next((row.id for row in server.rows if row.company_id == call.company_id), "dim_none")
            updated, created = answered.get("updated", []), answered.get("created", [])
            odd = [entry for entry in created if entry.get("name") in names]
            _recount(answered, "created", [entry for entry in created if entry not in odd])
            _recount(answered, "updated", updated + [entry | {"id": other} for entry in odd])
        return reply


class Refused(Rows):
    """Rows that are refused in the body, and named one way or another."""

    STYLES = ("honest", "lower", "prefixed", "nameless", "from-one", "off", "name-only", "other-row", "number")

    def __init__(self, styles: Sequence[str], rng: Random, facts: Facts) -> None:
        super().__init__(rng, facts)
        self.style = rng.choice(styles)
        self.key = "unique_key" if facts.contract == "guide" else "reference_id"
        self.said = f"refused, the error's style {self.style}"

    def refuses(self, item: Mapping[str, Any]) -> str | None:
        return "not allowed here" if self.is_odd(item) else None

    def names(self, error: dict[str, Any], position: int) -> dict[str, Any]:
        told = {"error": error["error"], "type": error["type"]}
        match self.style:
            case "lower":
                return {**told, self.key: str(error[self.key]).lower()}
            case "prefixed":
                return {**told, self.key: f"{self.company}:{error[self.key]}"}
            case "nameless":
                return told
            case "from-one":
                return {**told, "index": position + 1}
            case "off":
                return {**told, "index": position + 1000}
            case "name-only":
                return {**told, "name": error["name"]}
            case "other-row":
                return {**told, self.key: "no-such-key", "index": position}
            case "number":
                return {**told, "index": str(position), "id": 7}
        return error


class Keys(Way):
    """Keys that the server folds or cuts: it tells fewer of them apart than there are."""

    def __init__(self, kind: str, rng: Random, facts: Facts) -> None:
        keys = [row.key for rows in facts.wanted.values() for row in rows]
        self.length = min(map(len, keys)) - rng.randint(0, 1) if kind == "cut" else 10_000

    def __str__(self) -> str:
        return f"keys are cut to {self.length}" if self.length < 10_000 else "keys are told apart regardless of case"

    def fold(self, key: str) -> str:
        return key[: self.length] if self.length < 10_000 else key.lower()


class Page(Way):
    """Base of ways of listings, of one company or all."""

    said = ""

    def __init__(self, rng: Random, facts: Facts) -> None:
        self.company = rng.choice([None, *sorted(facts.wanted)])
        self.by = rng.choice([-2, -1, 1, 2])
        self.other = rng.choice([77, *sorted(facts.wanted)])
        self.when = When("always")

    def __str__(self) -> str:
        return f"{self.said}: {'all companies' if self.company is None else f'company {self.company}'}"

    def retell(self, server: Server, call: Call, reply: Reply) -> Reply:
        if call.what == "list" and self.company in {None, call.company_id}:
            self.change(server, call, reply.document)
        return reply

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        """Change the document of a page."""


class CountOff(Page):
    """The count of rows is wrong by a constant."""

    said = "count off"

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        page["count"] = max(0, int(page["count"]) + self.by)


class CountByPage(Page):
    """The count is that of the page's rows, in all companies: an API counts one way."""

    said = "count by page"

    def __init__(self, rng: Random, facts: Facts) -> None:
        super().__init__(rng, facts)
        self.company = None

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        page["count"] = len(page["dimensions"])


class TextCount(Page):
    """The count is text."""

    said = "count as text"

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        page["count"] = str(page["count"])


class FalseEmpty(Page):
    """A listing that is empty, though there are rows."""

    said = "false empty listings"

    def __init__(self, rng: Random, facts: Facts) -> None:
        super().__init__(rng, facts)
        self.when = When(rng.choice(["always", "first", "later", "alternate"]), rng.randint(1, 7))

    def __str__(self) -> str:
        return f"{super().__str__()}, {self.when.text}"

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        if self.when.is_now():
            page["count"], page["dimensions"] = 0, []


class Stale(Page):
    """A listing that shows a company as it was before it was last written to."""

    said = "listings before the last write"

    def __init__(self, rng: Random, facts: Facts) -> None:
        super().__init__(rng, facts)
        self._now: dict[int | None, list[dict[str, Any]]] = {}
        self._before: dict[int | None, list[dict[str, Any]]] = {}

    def instead(self, server: Server, call: Call) -> Reply | None:
        if call.what == "bulk":
            self._before[call.company_id] = [server.show(row) for row in server.shown(call.company_id)]
        return None

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        rows = self._before.get(call.company_id)
        if rows is not None:
            at = (call.page - 1) * page["limit"]
            page["count"], page["dimensions"] = len(rows), rows[at : at + page["limit"]]


class Foreign(Page):
    """A listing shows a row of another company."""

    said = "foreign rows"

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        if page["dimensions"]:
            page["dimensions"][-1] |= {"ottimate_company_id": self.other}


class Repeats(Page):
    """Each row of a page stands there twice."""

    said = "rows listed twice"

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        page["dimensions"] = page["dimensions"] * 2


class SamePage(Page):
    """Every page is page 1."""

    said = "every page is page 1"

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        first = server.page(call._replace(page=1))
        page |= {"dimensions": first["dimensions"], "page": 1}


class Turning(Page):
    """The order of rows is another one in each answer."""

    said = "another order each time"

    def __init__(self, rng: Random, facts: Facts) -> None:
        super().__init__(rng, facts)
        self._turn = 0

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        rows = [server.show(row) for row in server.shown(call.company_id)]
        self._turn += 1
        at, turn = (call.page - 1) * page["limit"], self._turn % max(1, len(rows))
        page["dimensions"] = (rows[turn:] + rows[:turn])[at : at + page["limit"]]


class Without(Page):
    """Listings lack a field."""

    def __init__(self, fields: Sequence[str], rng: Random, facts: Facts) -> None:
        super().__init__(rng, facts)
        self.fields = rng.choice(fields).split()
        self.said = f"listings without {' and '.join(self.fields)}"

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        for field in self.fields:
            for row in page.get("dimensions", ()):
                row.pop(field, None)
            page.pop(field, None)


class CapitalTypes(Page):
    """Type codes of listings are in capitals."""

    said = "type codes in capitals"

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        for row in page["dimensions"]:
            for field in {"dimension_type", "ottimate_type"} & row.keys():
                row[field] = row[field].upper()


class NumberIds(Page):
    """Ids are numbers, in listings or in answers to bulk requests, or in both."""

    def __init__(self, rng: Random, facts: Facts) -> None:
        super().__init__(rng, facts)
        self.company = None
        self.where = rng.choice([("list", "one"), ("bulk",), ("list", "one", "bulk")])
        self.said = f"ids as numbers in {'/'.join(self.where)}"

    def retell(self, server: Server, call: Call, reply: Reply) -> Reply:
        if call.what in self.where:
            document = reply.document
            for name in ("dimensions", "created", "updated"):
                for entry in document.get(name, ()):
                    digits = str(entry.get("id", "")).removeprefix("dim_")
                    if digits.isdigit():
                        entry["id"] = int(digits)
        return reply


class Bulk(Way):
    """Answers to bulk requests whose figures or arrays are odd."""

    KINDS = (
        "counter",
        "no-counters",
        "null-counters",
        "text-counters",
        "no-names",
        "no-ids",
        "no-arrays",
        "swapped",
        "nothing",
        "one-more",
    )

    def __init__(self, kind: str, rng: Random, _facts: Facts) -> None:
        self.kind = kind
        self.counter = rng.choice(["success_count", "created_count", "updated_count", "error_count"])
        self.by = rng.choice([-1, 1, 2])

    def __str__(self) -> str:
        return f"bulk answers: {self.kind}" + (f" {self.counter} {self.by:+}" if self.kind == "counter" else "")

    def retell(self, server: Server, call: Call, reply: Reply) -> Reply:
        if call.what == "bulk":
            reply.document = self._odd(reply.document)
        return reply

    def _odd(self, answer: dict[str, Any]) -> dict[str, Any]:
        counters = [name for name in answer if name.endswith("_count")]
        arrays = ("created", "updated")
        match self.kind:
            case "counter":
                return answer | {self.counter: max(0, int(answer.get(self.counter) or 0) + self.by)}
            case "no-counters":
                return {name: value for name, value in answer.items() if name not in counters}
            case "null-counters":
                return answer | dict.fromkeys(counters)
            case "text-counters":
                return answer | {name: str(answer[name]) for name in counters}
            case "no-names":
                return answer | {name: [{"id": entry.get("id")} for entry in answer.get(name, [])] for name in arrays}
            case "no-ids":
                return answer | {
                    name: [{"name": entry.get("name")} for entry in answer.get(name, [])] for name in arrays
                }
            case "no-arrays":
                return {name: value for name, value in answer.items() if name not in arrays}
            case "swapped":
                return answer | {"created": answer.get("updated", []), "updated": answer.get("created", [])}
            case "nothing":
                return answer | {"created": [], "updated": []} | dict.fromkeys(counters, 0)
        return answer | {"created": [*answer.get("created", []), {"id": "dim_more", "name": "One more"}]}


class Later(Way):
    """Bulk requests are accepted for later (202)."""

    ENDS = ("never", "done", "opaque", "gone", "odd")

    def __init__(self, end: str, rng: Random, facts: Facts) -> None:
        self.end = end
        self.company = rng.choice([None, *sorted(facts.wanted)])
        self._results: dict[str, Any] = {}

    def __str__(self) -> str:
        return f"202, {self.end}: {'all companies' if self.company is None else f'company {self.company}'}"

    def instead(self, server: Server, call: Call) -> Reply | None:
        if call.what == "bulk" and self.company in {None, call.company_id}:
            server.batches += 1
            batch = f"b{server.batches}"
            self._results[batch] = server.carry_out(call)
            return Reply(status=202, document={"batch_id": batch})
        if call.what == "progress" and self.end != "gone":
            status = {"never": "processing", "odd": "paused"}.get(self.end, "completed")
            return Reply(document={"status": status})
        if call.what == "results":
            result = {"state": "fine"} if self.end == "opaque" else self._results.get(call.name)
            return Reply(document={"results": [{"result": result}]})
        return None


class Directory(Way):
    """The directory lacks companies, or counts them wrong."""

    KINDS = ("lacks", "counts", "texts", "all-on-each-page")

    def __init__(self, kind: str, rng: Random, facts: Facts) -> None:
        self.kind = kind
        self.company = rng.choice(sorted(facts.wanted))
        self.by = rng.choice([-1, 1])

    def __str__(self) -> str:
        return f"directory: {self.kind} {self.company if self.kind == 'lacks' else self.by}"

    def retell(self, server: Server, call: Call, reply: Reply) -> Reply:
        if call.what != "directory":
            return reply
        shown = reply.document
        if self.kind == "lacks":
            shown["results"] = [entry for entry in shown["results"] if entry["id"] != self.company]
            shown["count"] = len(shown["results"])
        elif self.kind == "counts":
            shown["count"] = max(0, shown["count"] + self.by)
        elif self.kind == "texts":
            shown["results"] = [entry | {"id": str(entry["id"])} for entry in shown["results"]]
        return reply


class SmallPages(Way):
    """A limit above a figure is refused."""

    def __init__(self, rng: Random, _facts: Facts) -> None:
        self.most = rng.choice([2, 19, 50])

    def __str__(self) -> str:
        return f"a limit above {self.most} is refused"

    def instead(self, server: Server, call: Call) -> Reply | None:
        is_refused = call.what == "list" and call.limit > self.most
        return refusal(400, f"limit must not exceed {self.most}") if is_refused else None


class OddDate(Way):
    """The server's clock is wrong, or it has none."""

    def __init__(self, rng: Random, _facts: Facts) -> None:
        self.date = rng.choice(["", "yesterday", "Fri, 13 Nov 2026 07:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"])

    def __str__(self) -> str:
        return f"Date: {self.date!r}"

    def retell(self, server: Server, call: Call, reply: Reply) -> Reply:
        reply.headers["Date"] = self.date
        return reply


class CutNames(Page):
    """Names are listed cut. It alters values."""

    said = "names cut at 6"

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        for row in page["dimensions"]:
            row["name"] = row["name"][:6]


class CapitalCodes(Page):
    """ERP ids are listed in capitals. It alters values."""

    said = "ERP ids in capitals"

    def change(self, server: Server, call: Call, page: dict[str, Any]) -> None:
        for row in page["dimensions"]:
            row["erp_dimension_id"] = row["erp_dimension_id"].upper()


def _recount(answer: dict[str, Any], array: str, entries: list[dict[str, Any]]) -> None:
    answer |= {array: entries, f"{array}_count": len(entries)}


Make = Callable[[Random, Facts], Way]

WAYS: dict[str, Make] = {
    "hidden": Hidden,
    "buried": Buried,
    "dropped": Dropped,
    "frozen": Frozen,
    "anew": Anew,
    "inserted": Inserted,
    "elsewhere": Elsewhere,
    "refused-rows": partial(Refused, ["honest"]),
    "oddly-refused-rows": partial(Refused, Refused.STYLES),
    "keys:folded": partial(Keys, "folded"),
    "keys:cut": partial(Keys, "cut"),
    "list:count-off": CountOff,
    "list:count-by-page": CountByPage,
    "list:count-as-text": TextCount,
    "list:false-empty": FalseEmpty,
    "list:stale": Stale,
    "list:foreign": Foreign,
    "list:repeats": Repeats,
    "list:same-page": SamePage,
    "list:turning": Turning,
    "list:capital-types": CapitalTypes,
    "list:without-needed": partial(Without, ["id", "name", "erp_dimension_id", "count", "dimensions"]),
    "list:without-others": partial(
        Without, ["type erp_type", "page limit", "version", "ottimate_company_id", "code", "reference_id"]
    ),
    "list:without-types": partial(Without, ["dimension_type ottimate_type"]),
    "number-ids": NumberIds,
    "small-pages": SmallPages,
    "date": OddDate,
    **{f"bulk:{kind}": partial(Bulk, kind) for kind in Bulk.KINDS},
    **{f"202:{end}": partial(Later, end) for end in Later.ENDS},
    **{f"directory:{kind}": partial(Directory, kind) for kind in Directory.KINDS},
    "alters:names-cut": CutNames,
    "alters:ids-in-capitals": CapitalCodes,
}
"""How each way is made."""


def _instead(answer: str, what: str, whom: str, when: str) -> Make:
    def make(rng: Random, facts: Facts) -> Way:
        reply = rng.choice(ANSWERS[answer])
        return Instead(answer, reply, about(what, whom, rng, facts), When(when, rng.randint(1, 7)))

    return make


PLACES = [
    *(("list", "company"), ("list", "any")),
    *(("bulk", "row"), ("bulk", "company"), ("bulk", "any")),
    *(("one", "any"), ("directory", "any"), ("token", "any"), ("all", "company"), ("all", "any")),
]
WAYS |= {
    f"{answer}:{what}:{whom}:{when}": _instead(answer, what, whom, when)
    for answer, (what, whom), when in product(ANSWERS, PLACES, ["always", "first", "later", "alternate"])
    if answer not in {"lost", "208"} or what == "bulk"
}
