#!/bin/sh
# Sees to it that the server programs which the tests start are there: installs them as root on
# Debian or a relative of it, says elsewhere what to install. Runs in the environment of ./just.
set -eu
cd "$(dirname -- "$0")/.."

found() { python -m tests.servers >/dev/null 2>&1; }

found && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing PostgreSQL and Redis for the tests …" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2
    apt-get install -y -qq --no-install-recommends postgresql redis-server >&2
    found && exit 0
fi

cat >&2 <<'END'
The tests start servers of PostgreSQL and Redis, and their programs are not on this machine.
Install them, then try again:

    Debian, Ubuntu    sudo apt-get install postgresql redis-server
    Fedora            sudo dnf install postgresql-server valkey
    Alpine            sudo apk add postgresql redis
    macOS             brew install postgresql redis

`./just test-fast` runs the tests that need no server.
END
exit 1
