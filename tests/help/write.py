"""Write the pages of help that are made from the program: `scripts/help-pages`."""

from __future__ import annotations

from tests.help import recipes
from tests.help.generated import PAGES, made, path_of

if __name__ == "__main__":
    for topic in PAGES:
        path_of(topic).write_text(made(topic), "utf-8")
    library = path_of(recipes.TOPIC)
    library.write_text(recipes.with_recipes(library.read_text("utf-8")), "utf-8")
