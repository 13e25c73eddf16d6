#!/bin/sh
# Builds the images sidepro:latest and sidepro:web with docker, podman or buildah, whichever works.
#
#   deploy/image/build.sh [--debian] [OPTION...]
#
# --debian  makes the base of Debian's packages with mmdebstrap, for places without a registry of
#           images. Needs root, mmdebstrap and buildah.
# OPTION    is for `build`, such as `--volume /etc/ssl/certs:/etc/ssl/certs:ro`.
set -eu
cd "$(dirname "$0")/../.."

debian=
if [ "${1-}" = --debian ]; then
    debian=1
    shift
fi

if [ -z "$debian" ]; then
    # docker first: `docker compose` takes the images from there. Its command may lack the service.
    for builder in docker podman buildah; do
        if "$builder" info >/dev/null 2>&1; then
            for target in web full; do
                tag=sidepro:$([ $target = full ] && echo latest || echo web)
                "$builder" build --file Containerfile --target "$target" --tag "$tag" "$@" .
            done
            exit
        fi
    done
    echo "image: docker, podman or buildah is needed" >&2
    exit 1
fi

for program in mmdebstrap buildah; do
    command -v "$program" >/dev/null || { echo "image: $program is needed" >&2; exit 1; }
done
# Without a kernel's overlays and namespaces, as in a container.
export BUILDAH_ISOLATION=chroot STORAGE_DRIVER="${STORAGE_DRIVER:-vfs}"
suite=${DEBIAN_SUITE:-bookworm}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# base NAME PACKAGES UNUSED
base() {
    buildah inspect --type image "localhost/$1" >/dev/null 2>&1 && return
    mmdebstrap --quiet --variant=minbase --include="$2" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        --dpkgopt='path-exclude=/usr/share/locale/*' \
        --customize-hook="cd \"\$1\" && rm -rf var/lib/apt/lists/* var/cache/apt/* $3" \
        "$suite" "$folder/$1.tar"
    container=$(buildah from scratch)
    buildah add --quiet "$container" "$folder/$1.tar" / >/dev/null
    buildah commit --quiet "$container" "localhost/$1" >/dev/null
    buildah rm "$container" >/dev/null
    rm "$folder/$1.tar"
}

# Nothing is installed in the running image: apt and Perl are left out.
base sidepro-base python3,ca-certificates "usr/share/perl usr/lib/*/perl usr/lib/apt"
base sidepro-build-base python3,python3-venv,ca-certificates ""
for target in web full; do
    tag=sidepro:$([ $target = full ] && echo latest || echo web)
    buildah build --file Containerfile --target "$target" --tag "$tag" --format docker --layers \
        --build-arg BASE=localhost/sidepro-base \
        --build-arg BUILD_BASE=localhost/sidepro-build-base "$@" .
done
buildah images --format '{{.Name}}:{{.Tag}} {{.Size}}' | grep '/sidepro:'
