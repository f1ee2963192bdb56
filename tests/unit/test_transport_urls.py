"""A URL goes out as it was made: nothing of it is quoted anew, and each part is where it was."""

from __future__ import annotations

from yarl import URL

from engine.net.http.transport import _encoded
from tests.tables import each_of


@each_of(
    [
        "https://api.test/v1/dimensions?ottimate_company_id=7&page=2&limit=100",
        "https://api.test/v1/dimensions?name=a%2Cb%20c%7E&x=%E4%BD%A0",
        "https://api.test/v1/dimensions/%2E%2E?x=1",
        "https://api.test/v1/accounts/racc_1/companies",
        "https://api.test:8443/v1/dimensions?page=1",
        "http://[::1]:8080/v1/dimensions?page=1",
        "http://user:pass%40word@api.test/v1/dimensions?page=1",
        "https://api.test?page=1",
        "https://api.test/v1/batch?",
        "https://api.test/v1/batch?page=1#rows",
        "https://api.test/v1/batch?a=b?c=d",
    ]
)
def test_a_url_is_the_one_that_yarl_reads(url: str) -> None:
    for _ in range(2):
        made, read = _encoded(url), URL(url, encoded=True)
        assert (made, str(made), made.raw_path_qs) == (read, str(read), read.raw_path_qs)
        assert (made.raw_authority, made.raw_host, made.port) == (read.raw_authority, read.raw_host, read.port)
