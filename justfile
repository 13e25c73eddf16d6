# Run as `./just RECIPE`, which creates the environment first, or with an installed `just`.

set positional-arguments

# Packages of jobs, of Litestar's test factories and of its command line, which no web process imports.
not_in_web_image := "polars polars-runtime-32 numpy faker polyfactory rich rich-click pygments markdown-it-py mdurl aiohttp aiohappyeyeballs aiosignal attrs frozenlist propcache yarl"

export PATH := justfile_directory() / ".venv/bin" + ":" + env("PATH")

# list the recipes
[private]
default:
    @just --list --unsorted

# create or update .venv
[private]
ready:
    @./just --version >/dev/null

# serve on SQLite and in-process adapters, with demo data on the first start; takes `serve`'s options
[no-exit-message]
up *options:
    @exec ./just up "$@"

# run all tests on their own PostgreSQL, Redis and Chromium; takes pytest's arguments
test *arguments: ready
    @tests/install-servers.sh
    @# one process more than cores, since many tests wait for servers
    pytest --numprocesses=$(({{ num_cpus() }} + 1)) --maxprocesses=4 --dist=worksteal \
        --timeout=300 "$@"

# run all tests and report branch coverage of `src`; fails below 95 %, takes twice as long
coverage *arguments: ready
    @{{ just_executable() }} test --cov --cov-report=term --cov-fail-under=95 "$@"

# run the tests that need no server and no subprocess, in half a minute
test-fast *arguments: ready
    pytest --numprocesses=auto --maxprocesses=4 --dist=worksteal --timeout=60 \
        -m "not servers and not slow" tests/adapters tests/domain tests/contracts tests/jobs "$@"

# run the domain's tests, which need only pytest and hypothesis
test-domain *arguments: ready
    pytest tests/domain "$@"

# check format, lint, types and imports, and run the fast tests
check: lint test-fast

# run what CI runs in greater depth, for about an hour: all databases, examples, kills and rooms
ci-full *arguments: ready
    HYPOTHESIS_PROFILE=ci-full TEST_KILLS=40 TEST_CHAT_SECONDS=60 TEST_CHAT_PEOPLE=11 TEST_LOOKS=all TEST_FAULTS=all \
        {{ just_executable() }} test --all-databases --timeout=1200 "$@"
    @{{ just_executable() }} lint wheel-tour audit

# check format, lint, types, imports, import diagrams, retired names and migrations
lint: ready
    ruff format --check
    ruff check
    mypy
    lint-imports
    python docs/import_diagram.py --check
    python -m tests.lint_names
    python -m tests.lint_migrations

# draw the import diagrams in docs/architecture.md
diagram: ready
    python docs/import_diagram.py

# format, and apply the linter's fixes
fmt: ready
    ruff check --fix-only --exit-zero --quiet
    ruff format

# measure the cost of requests, chat and similarity; see docs/performance.md
bench *arguments: ready
    @tests/install-servers.sh postgresql redis
    @python -m bench "$@"

# write docs/openapi.json
openapi: ready
    @mkdir -p docs
    sidepro openapi >docs/openapi.json.new
    @mv docs/openapi.json.new docs/openapi.json

# accept an API change: rewrite the documents that the contract test compares with
contract: ready
    python -m tests.api.test_contract

# build the source archive and the wheel in dist
wheel: ready
    rm -rf dist
    python -m build --no-isolation

# install only the wheel and run docs/tour.py against it, on SQLite and on PostgreSQL
wheel-tour: ready
    @tests/install-servers.sh postgresql redis
    @python -m tests.wheel_tour

# build the images sidepro:latest and sidepro:web; `--debian` without a registry of images
image *options:
    @deploy/image/build.sh "$@"

# write the pinned dependencies as constraints for `pip install --constraint FILE`
constraints file:
    @# those of the extra may be installed beside the others
    @sed -n 's/^\([A-Za-z0-9._-]*\)\(\[[a-z,]*\]\)\{0,1\}\(==[^ ]*\)\( ; [^\\]*\)\{0,1\} \\$/\1\3\4/p' requirements/runtime.txt requirements/otel.txt | LC_ALL=C sort -u >"$1"
    @test -s "$1"

# pin the dependencies in requirements (`--upgrade` for newer ones); needs uv
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
    # a serving process without jobs: see Containerfile
    without=
    for package in {{ not_in_web_image }}; do without="$without --no-emit-package $package"; done
    pin pyproject.toml --constraint requirements/runtime.txt $without \
        --output-file requirements/web.txt "$@"
    # what the extra adds to either of the two
    python -c 'import tomllib; print("\n".join(tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"]["otel"]))' \
        | pin - --constraint requirements/runtime.txt --output-file requirements/otel.txt "$@"
    pin --group build --constraint requirements/runtime.txt \
        --output-file requirements/build.txt "$@"
    pin pyproject.toml --extra otel --group dev --constraint requirements/runtime.txt \
        --constraint requirements/otel.txt \
        --output-file requirements/dev.txt "$@"

# audit the pinned dependencies for known vulnerabilities
audit: ready
    pip-audit --strict --disable-pip --require-hashes --requirement requirements/runtime.txt
    pip-audit --strict --disable-pip --require-hashes --requirement requirements/dev.txt

# send generated frames to chat sockets, on both databases; takes the number of sockets and a seed
fuzz-sockets *arguments: ready
    @tests/install-servers.sh postgresql redis
    python -m tests.sockets.fuzzer "$@"

# generate requests with schemathesis, on both databases; takes the number of cases and a seed
fuzz *arguments: ready
    @tests/install-servers.sh postgresql redis
    @python -m tests.fuzz.http_fuzzer "$@"

# write a picture of each screen in build/screens or a folder; `--only TEXT`; `--readme` for README.md
screens *arguments: ready
    @tests/install-servers.sh chromium
    @python -m tests.web.screenshots "$@"

# measure the weight and the times of each screen; prints the table of docs/performance.md
web-budget *arguments: ready
    @tests/install-servers.sh chromium
    @python -m tests.web.budget "$@"

# attack a server with one connection of each kind, with 256 open files and with the usual number
attacks *arguments: ready
    ulimit -Sn 256 && python -m tests.security.attacks "$@"
    python -m tests.security.attacks "$@"
