#!/bin/sh
# Sees to it that the server programs which the tests start are there: installs them as root on
# Debian or a relative of it, says elsewhere what to install. Runs in the environment of ./just.
set -eu
cd "$(dirname -- "$0")/.."

found() { python -m tests.servers >/dev/null 2>&1; }

found && exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing PostgreSQL for the tests …" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq >&2
    apt-get install -y -qq --no-install-recommends postgresql >&2
    found && exit 0
fi

cat >&2 <<'END'
The tests start a PostgreSQL server of their own, and its programs are not on this machine.
Install them, then try again:

    Debian, Ubuntu    sudo apt-get install postgresql
    Fedora            sudo dnf install postgresql-server
    Alpine            sudo apk add postgresql
    macOS             brew install postgresql

`./just test-fast` runs the tests that need no server.
END
exit 1
