"""Write badges that open the notebooks in Colab into the README: `make badges REPO=owner/name`.

    python scripts/badges.py owner/name [README.md]

Each row of the table of notebooks gets one; badges that are there already are replaced, so that a
copy of the repository under another name points to itself. Nothing else names the repository.
"""

import re
import sys
from pathlib import Path

ROW = re.compile(r"^(\| \[`(\d+)_\w+`\]\((notebooks/\w+\.ipynb)\) \| .+?) \|$", re.M)
BADGE = re.compile(r" \[!\[Open in Colab\]\[badge\]\]\[\d+\]")
LINKS = re.compile(r"\n\n\[badge\]: .*(?:\n\[\d+\]: .*)*")
IMAGE = "[badge]: https://colab.research.google.com/assets/colab-badge.svg"
ADDRESS = "https://colab.research.google.com/github/{repository}/blob/main/{notebook}"


def with_badges(text: str, repository: str) -> str:
    """The README's text with a badge in each row of the table of notebooks.

    Parameters
    ----------
    text : str
        The README.
    repository : str
        ``owner/name`` on GitHub.
    """
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repository):
        raise SystemExit(f"REPO={repository} must be the owner and the name: REPO=owner/name")
    text = LINKS.sub("", BADGE.sub("", text))
    rows = list(ROW.finditer(text))
    links = [IMAGE] + [
        f"[{row[2]}]: {ADDRESS.format(repository=repository, notebook=row[3])}" for row in rows
    ]
    end = rows[-1].end()
    table = ROW.sub(r"\1 [![Open in Colab][badge]][\2] |", text[:end])
    return table + "\n\n" + "\n".join(links) + text[end:]


if __name__ == "__main__":
    repository = sys.argv[1] if len(sys.argv) > 1 else ""
    readme = Path(sys.argv[2] if len(sys.argv) > 2 else "README.md")
    readme.write_text(with_badges(readme.read_text(encoding="utf-8"), repository), encoding="utf-8")
