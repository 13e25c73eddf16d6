# Started as `./just RECIPE`, which makes the environment first. A `just` of one's own serves too.

set positional-arguments

export PATH := justfile_directory() / ".venv/bin" + ":" + env("PATH")

# lists the recipes
[private]
default:
    @just --list --unsorted

# makes or refreshes .venv
[private]
ready:
    @./just --version >/dev/null

# starts everything on embedded parts, with demo data the first time; takes `serve`'s options
[no-exit-message]
up *options:
    @exec ./just up "$@"

# runs the whole suite on servers of its own; takes pytest's arguments
test *arguments: ready
    @tests/install-servers.sh
    pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal --timeout=120 "$@"

# runs the whole suite and says what of `src` no test runs; fails below 95 %. Takes twice as long
coverage *arguments: ready
    @{{ just_executable() }} test --cov --cov-report=term --cov-fail-under=95 "$@"

# people talk for a minute in 55 rooms while a process is killed and Redis goes away and comes back
test-chat *arguments: ready
    @tests/install-servers.sh
    TEST_CHAT_SECONDS=60 TEST_CHAT_PEOPLE=11 pytest --timeout=300 \
        tests/faults/test_chat_processes.py "$@"

# runs the tests that need no server and no process of their own, in half a minute
test-fast *arguments: ready
    pytest --timeout=60 -m "not servers" tests/adapters tests/domain tests/contracts tests/jobs "$@"

# runs the domain's tests, which need pytest and hypothesis alone
test-domain *arguments: ready
    pytest tests/domain "$@"

# checks format, lint, types and imports, and runs the fast tests
check: lint test-fast

# checks format, lint, types and imports
lint: ready
    ruff format --check
    ruff check
    mypy
    lint-imports

# formats, and repairs what the linter can
fmt: ready
    ruff check --fix-only --exit-zero --quiet
    ruff format

# measures what requests cost, on servers of its own: `board`, `log_in`, `views` or all (docs/performance.md)
bench *arguments: ready
    @tests/install-servers.sh
    @python -m bench "$@"

# writes docs/openapi.json
openapi: ready
    @mkdir -p docs
    sidepro openapi >docs/openapi.json.new
    @mv docs/openapi.json.new docs/openapi.json

# accepts a deliberate change of the API: rewrites the documents that the tests compare with
contract: ready
    python -m tests.api.test_contract

# builds the source archive and the wheel in dist
wheel: ready
    rm -rf dist
    python -m build --no-isolation

# installs the wheel alone and takes the tour of it, on SQLite and on PostgreSQL
wheel-tour: ready
    @tests/install-servers.sh
    @python -m tests.wheel_tour

# builds the container image, with podman or docker
image tag="sidepro:latest":
    #!/bin/sh
    set -eu
    for builder in podman docker; do
        if command -v "$builder" >/dev/null; then
            exec "$builder" build --file Containerfile --tag "$1" .
        fi
    done
    echo "image: podman or docker is needed" >&2
    exit 1

# pins the dependencies in requirements (`--upgrade` for newer ones); needs uv
lock *options:
    #!/bin/sh
    set -eu
    command -v uv >/dev/null || { echo "lock: uv is needed (pip install uv)" >&2; exit 1; }
    export UV_CUSTOM_COMPILE_COMMAND="./just lock"
    pin() {
        uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-strip-extras \
            --no-emit-index-url --no-emit-find-links "$@" >/dev/null
    }
    pin pyproject.toml --output-file requirements/runtime.txt "$@"
    pin --group build --constraint requirements/runtime.txt \
        --output-file requirements/build.txt "$@"
    pin pyproject.toml --group dev --constraint requirements/runtime.txt \
        --output-file requirements/dev.txt "$@"

# looks for known vulnerabilities in the pinned dependencies
audit: ready
    pip-audit --strict --disable-pip --require-hashes --requirement requirements/runtime.txt
    pip-audit --strict --disable-pip --require-hashes --requirement requirements/dev.txt
