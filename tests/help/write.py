"""Write the pages of help that are made from the program: `scripts/help-pages`."""

from __future__ import annotations

from tests.help.generated import PAGES, made, path_of

if __name__ == "__main__":
    for topic in PAGES:
        path_of(topic).write_text(made(topic), "utf-8")
