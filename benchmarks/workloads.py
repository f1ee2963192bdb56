"""What is measured: fleets, where each of them begins, and which programs are compared on it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.data import HANDS, Shape

ASYNC = ("floor", "ours")
ALL = ("floor", "ours", "requests_loop", "requests_threads", "httpx_gather", "dlt_destination", "singer_pipe")
SEQUENTIAL = ("requests_loop", "singer_pipe")
"""Programs that send one request after another: where answers take their time, they are run on a part of the fleet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One thing to do, by each of its programs, in each of its runs."""

    name: str
    title: str
    shape: Shape
    quick: Shape
    filled: bool = True  # the server has the fleet's rows, and our ledger knows them; else both are empty
    listed_before: int = 0  # times that ours has listed the fleet since its load, and found it as it should be
    hours_ago: float = 0.0  # since the last of that
    rested: bool = False  # our command has run once more since, and found nothing to do
    verify: str = "full"
    programs: tuple[str, ...] = ALL
    latency_s: float = 0.0  # before each answer
    page_size: int = 100
    chunk_rows: int = 100
    concurrency: int = 16
    runs: int = 3
    watches_stalls: bool = False  # ours is run once more in each round, for the longest stall of its event loop
    watches_peers: bool = False  # and so are the other programs with an event loop
    tls: bool = False
    vendor_limits: bool = False  # the vendor's rate and quota hold for each key; else they are out of the way
    samples: bool = False  # sequential programs are run on a tenth of the fleet

    @property
    def sample(self) -> Workload:
        """The workload on a tenth of its accounts, for sequential programs: at least on those of 15 companies."""
        step = len(HANDS)
        companies = max(step, self.shape.companies // 10 // step * step)
        chosen = tuple(program for program in self.programs if program in SEQUENTIAL)
        return replace(self, shape=self.shape._replace(companies=companies), programs=chosen)

    def quickly(self) -> Workload:
        """Return the workload at a reduced size, in one round: it shows whether everything works."""
        return replace(self, shape=self.quick, runs=1)

    def __post_init__(self) -> None:
        """Accept shapes and programs as the lists that a results file has."""
        object.__setattr__(self, "shape", Shape(*self.shape))
        object.__setattr__(self, "quick", Shape(*self.quick))
        object.__setattr__(self, "programs", tuple(self.programs))


FULL_LISTING = Workload(
    name="full-listing",
    title="Full listing: 200 companies of 2,000 rows, 20 % changed, 10 % new",
    shape=Shape(200, 2_000, changed=200, added=100),
    quick=Shape(6, 300, changed=200, added=100),
    watches_stalls=True,
)

ACCOUNTS = Shape(900, 500, most_rows=2_000, shared_out=True)
FEW_ACCOUNTS = Shape(30, 50, most_rows=200, shared_out=True)

HEADLINE = Workload(
    name="headline-nothing",
    title="A day on which nothing has changed",
    shape=ACCOUNTS,
    quick=FEW_ACCOUNTS,
    verify="auto",
    listed_before=2,
    hours_ago=24.0,
    programs=(*ALL[:2], "ours_command", *ALL[2:]),
    latency_s=0.04,
    concurrency=64,
    tls=True,
    vendor_limits=True,
    samples=True,
    watches_stalls=True,
    watches_peers=True,
)

HEADLINES = (
    HEADLINE,
    replace(
        HEADLINE,
        name="headline-changed",
        title="A day on which 1 % of the rows of each company has changed",
        shape=ACCOUNTS._replace(changed=10),
        quick=FEW_ACCOUNTS._replace(changed=10),
    ),
    replace(
        HEADLINE,
        name="headline-verify",
        title="Verification night: every company is listed whole, 1 % of the rows has changed",
        shape=ACCOUNTS._replace(changed=10),
        quick=FEW_ACCOUNTS._replace(changed=10),
        verify="full",
    ),
)

WORKLOADS = (
    Workload(
        name="first-load",
        title="First load: 50 empty companies, 2,000 rows each",
        shape=Shape(50, 2_000),
        quick=Shape(4, 250),
        filled=False,
    ),
    FULL_LISTING,
    replace(
        FULL_LISTING,
        name="listed-again",
        title="Full listing, not for the first time: 200 companies of 2,000 rows, 1 % changed",
        shape=Shape(200, 2_000, changed=10),
        quick=Shape(6, 300, changed=10),
        listed_before=2,
        watches_stalls=False,
    ),
    replace(
        FULL_LISTING,
        name="pages-of-1000",
        title="The same in pages and chunks of 1,000",
        page_size=1_000,
        chunk_rows=1_000,
        programs=ASYNC,
        watches_stalls=False,
    ),
    Workload(
        name="latency-20ms",
        title="Full listing at 20 ms latency: 50 companies of 500 rows, 20 % changed, 10 % new",
        shape=Shape(50, 500, changed=200, added=100),
        quick=Shape(3, 200, changed=200, added=100),
        latency_s=0.02,
    ),
    Workload(
        name="daily-delta",
        title="Daily delta: 300 companies of 1,000 rows, 1 % changed; our ledger was checked today",
        shape=Shape(300, 1_000, changed=10),
        quick=Shape(6, 200, changed=10),
        verify="auto",
        listed_before=2,
    ),
    Workload(
        name="no-op",
        title="Nothing to do: 300 companies of 1,000 rows, checked today; the whole process `dimsync sync`",
        shape=Shape(300, 1_000),
        quick=Shape(6, 200),
        verify="auto",
        rested=True,
        programs=("floor", "ours_command", "requests_loop"),
    ),
    Workload(
        name="no-op-after-change",
        title="The same in the first run after rows were written: every row is compared with the ledger",
        shape=Shape(300, 1_000),
        quick=Shape(6, 200),
        verify="auto",
        programs=("floor", "ours_command"),
    ),
    Workload(
        name="giant",
        title="One company of 200,000 rows, 20 % changed, 10 % new",
        shape=Shape(1, 200_000, changed=200, added=100),
        quick=Shape(1, 3_000, changed=200, added=100),
        programs=ASYNC,
        watches_stalls=True,
    ),
    Workload(
        name="giant-1",
        title="One company of 200,000 rows, 1 % changed",
        shape=Shape(1, 200_000, changed=10),
        quick=Shape(1, 3_000, changed=10),
        programs=ASYNC,
    ),
    Workload(
        name="thousand",
        title="1,000 companies of 50 rows, 20 % changed, 10 % new",
        shape=Shape(1_000, 50, changed=200, added=100),
        quick=Shape(30, 50, changed=200, added=100),
    ),
    Workload(
        name="many",
        title="10,000 companies of 50 rows, 20 % changed, 10 % new",
        shape=Shape(10_000, 50, changed=200, added=100),
        quick=Shape(60, 50, changed=200, added=100),
        programs=ASYNC,
    ),
    Workload(
        name="throughput",
        title="Listing alone: 200 companies of 2,000 rows, nothing changed, all pages read and compared",
        shape=Shape(200, 2_000),
        quick=Shape(6, 300),
        programs=ASYNC,
    ),
)


def growth(axis: str) -> list[tuple[float, Workload]]:
    """Return (where on the axis, workload) for a growth curve: floor and ours, one thing growing."""
    rows = Workload(
        name=f"growth-{axis}",
        title=f"Growth of {axis}",
        shape=Shape(50, 1_000, changed=200, added=100),
        quick=Shape(2, 100, changed=200, added=100),
        programs=ASYNC,
    )
    if axis == "rows":
        return [
            (size, replace(rows, shape=rows.shape._replace(rows=size)))
            for size in (250, 500, 1_000, 2_000, 4_000, 8_000)
        ]
    if axis == "companies":
        return [
            (size, replace(rows, shape=rows.shape._replace(companies=size))) for size in (12, 25, 50, 100, 200, 400)
        ]
    if axis == "latency":
        return [(size, replace(rows, latency_s=size / 1_000)) for size in (0, 5, 10, 20, 50)]
    if axis == "concurrency":
        return [(size, replace(rows, concurrency=size, latency_s=0.005)) for size in (1, 4, 16, 64)]
    raise ValueError(f"there is no axis {axis!r}; there are: {', '.join(AXES)}")


AXES = ("rows", "companies", "latency", "concurrency")
