"""Singer SDK: `tap | target`, two processes and a pipe, as its programs are run."""

from __future__ import annotations

import json
import resource
import subprocess
import sys

from benchmarks.programs.job import Job, Meter
from benchmarks.programs.requests_loop import logged_in


def main() -> None:
    """Run the job once; the figures are those of the tap and the target."""
    meter = Meter()
    tokens = json.dumps({account: _token(meter.job, account) for account in meter.job.by_account})
    words = [sys.executable, "-m", "benchmarks.programs.singer_{}", sys.argv[1], tokens]
    tap_words, target_words = ([word.replace("{}", part) for word in words] for part in ("tap", "target"))
    tap = subprocess.Popen(tap_words, stdout=subprocess.PIPE)
    target = subprocess.Popen(target_words, stdin=tap.stdout)
    if tap.stdout is not None:
        tap.stdout.close()  # else the tap would not learn that its target is gone
    target.wait()
    tap.wait()
    if tap.returncode or target.returncode:
        raise SystemExit(f"the tap ended with {tap.returncode}, the target with {target.returncode}")
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    meter.report(work_cpu_s=used.ru_utime + used.ru_stime, peak_bytes=used.ru_maxrss * 1024)


def _token(job: Job, account: str) -> str:
    with logged_in(job, account) as session:
        return str(session.headers["Authorization"]).removeprefix("Bearer ")


if __name__ == "__main__":
    main()
