"""A program without an event loop: a script, a task of Celery."""

from pathlib import Path

from dimsync import Company, FileSource, Settings, run_sync


def nightly(settings: Settings, folder: Path) -> int:
    """Sync each file to the company that its name tells."""
    companies = [
        Company(id=int(path.stem), source=FileSource(path))
        for path in sorted(folder.glob("*.csv"))
    ]
    result = run_sync(settings, companies, deadline_s=1800)
    for company in result.companies:
        for problem in company.problems:
            print(company.company_id, problem.code, problem.message)
    return result.exit_code  # what `dimsync sync` would exit with
