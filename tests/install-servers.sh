#!/bin/sh
# Ensures that the programs which the tests start are there: installs them as root on Debian or a
# relative of it, says elsewhere what to install. Arguments select some of postgresql, pgbouncer,
# redis, nginx, chromium, npm and iproute2. Runs in the environment of ./just.
set -eu
cd "$(dirname -- "$0")/.."

if [ $# = 0 ]; then
    set -- postgresql pgbouncer redis nginx chromium npm
    # root's tests make networks
    [ "$(id -u)" != 0 ] || [ "$(uname)" != Linux ] || set -- "$@" iproute2
fi
names="$*"

found() { python -m tests.servers $names >/dev/null 2>&1; }

installs=
[ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null || installs=yes

# Chromium without windows: pages take a third of the processor time
shell=chromium-headless-shell
has_shell() { apt-cache show $shell 2>/dev/null | grep -q '^Package:'; }

install() {
    echo "Installing $* for the tests …" >&2
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >&2
}

if found; then
    case " $names " in
        # the whole Chromium does as well where the shell cannot be had
        *" chromium "*)
            [ -z "$installs" ] || command -v $shell >/dev/null || ! has_shell ||
                install $shell || true
            ;;
    esac
    exit 0
fi

if [ "$installs" ]; then
    apt-get update -qq >&2
    packages=
    for name in $names; do
        case $name in
            redis) packages="$packages redis-server" ;;
            nginx) packages="$packages nginx-light openssl" ;;
            chromium)
                has_shell || shell=chromium
                # the font shows Korean, and fontconfig finds it
                packages="$packages $shell fontconfig fonts-noto-cjk"
                ;;
            npm) command -v npm >/dev/null || packages="$packages nodejs npm" ;;
            *) packages="$packages $name" ;;
        esac
    done
    install $packages
    found && exit 0
fi

python -m tests.servers $names >/dev/null || cat >&2 <<'END'

The tests start these programs. Install what is missing, then try again:

    Debian            sudo apt-get install postgresql pgbouncer redis-server nginx-light openssl \
                          chromium-headless-shell fonts-noto-cjk nodejs npm iproute2
    Ubuntu            the same, with Google Chrome in place of the shell
    Fedora            sudo dnf install postgresql-server pgbouncer valkey nginx chromium \
                          nodejs-npm google-noto-sans-cjk-fonts iproute
    Alpine            sudo apk add postgresql pgbouncer redis nginx openssl chromium \
                          font-noto-cjk npm iproute2
    macOS             brew install postgresql pgbouncer redis nginx node; brew install --cask google-chrome

`./just test-fast` runs the tests that need none of them.
END
exit 1
