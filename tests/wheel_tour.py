"""Builds the wheel, installs it in a new environment, and runs `docs/tour.py` against it.

Run `python -m tests.wheel_tour` in the root of the repository, in the development environment. The
new environment has only the wheel and its declared dependencies, at the pinned versions. There it
migrates and serves, on SQLite and on PostgreSQL, from an empty folder. The tour is a client and
runs in the development environment. Exits non-zero at the first failure.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from tests.servers import SECRET_KEY, Postgres, ServerError, SideProServer, settings

ROOT = Path(__file__).parents[1]
PYTHON = sys.executable


def log(text: str) -> None:
    print(f"== {text}", flush=True)


def run(*command: str | Path, cwd: Path, env: dict[str, str] | None = None) -> None:
    subprocess.run([str(part) for part in command], cwd=cwd, env=env, check=True)


def build(folder: Path) -> Path:
    """The wheel, built from the source archive as an installer would."""
    run(PYTHON, "-m", "build", "--no-isolation", "--outdir", folder, ROOT, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    for needed in (
        "sidepro/cli/__init__.py",
        "sidepro/adapters/sql/schema/migrations/env.py",
        "sidepro/demo/data/kinds.toml",
    ):
        if needed not in names:
            sys.exit(f"the wheel lacks {needed}")
    return wheel


def install(wheel: Path, folder: Path) -> Path:
    """Install the wheel and its dependencies in a new environment; returns its `bin` folder.

    The pinned versions are constraints, so a package that the wheel does not declare is missing.
    Constraints cannot have hashes.
    """
    pins = re.findall(
        r"^([\w.-]+==[^ \\\n]+(?: ;[^\\\n]+)?)",
        (ROOT / "requirements" / "runtime.txt").read_text("utf-8"),
        flags=re.MULTILINE,
    )
    constraints = folder / "constraints.txt"
    constraints.write_text("\n".join(pins) + "\n", "utf-8")
    environment = folder / "environment"
    # Without pip, which would be an undeclared package; the pip of this environment installs.
    venv.create(environment, with_pip=False)
    programs = environment / "bin"
    pip = (PYTHON, "-m", "pip", "--disable-pip-version-check", "--python", programs / "python")
    run(*pip, "install", "-qq", "--constraint", constraints, wheel, cwd=folder)
    run(*pip, "check", cwd=folder)
    return programs


def tour(programs: Path, folder: Path, environment: dict[str, str]) -> None:
    """Migrate, serve and run the tour in an empty folder."""
    folder.mkdir()
    environment = {"SIDEPRO_DATA_DIR": str(folder / "data"), **environment}
    sidepro = programs / "sidepro"
    run(sidepro, "migrate", cwd=folder, env=settings(environment))
    run(sidepro, "migrate", "--check", cwd=folder, env=settings(environment))
    with SideProServer(environment, executable=sidepro, folder=folder) as server:
        try:
            run(PYTHON, ROOT / "docs" / "tour.py", server.url, cwd=folder)
        except subprocess.CalledProcessError:
            print(server.log(), file=sys.stderr)
            raise


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="sidepro wheel ") as name:
        folder = Path(name)
        log("building the wheel")
        wheel = build(folder)
        log(f"installing {wheel.name} and its dependencies")
        programs = install(wheel, folder)
        log("the tour on SQLite")
        tour(programs, folder / "sqlite", {})
        log("the tour on PostgreSQL")
        with Postgres.start() as postgres, postgres.database() as url:
            tour(
                programs,
                folder / "postgresql",
                {"SIDEPRO_DATABASE_URL": url, "SIDEPRO_SECRET_KEY": SECRET_KEY},
            )
        log("the wheel passes")


if __name__ == "__main__":
    try:
        main()
    except (ServerError, subprocess.CalledProcessError) as error:
        sys.exit(f"wheel tour: {error}")
