# Functions of the scripts beside this file, which source it and stand in the top folder.
# shellcheck shell=bash

# The lines of one section of packages.txt, without comments.
section() {
    awk -v wanted="[$1]" '/^\[/ { inside = $0 == wanted; next } inside && !/^#/ && NF' packages.txt
}

# Runs apt-get as root; it never asks.
apt_get() {
    local command=(env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@")
    if [ "$(id -u)" -eq 0 ]; then
        "${command[@]}"
    else
        sudo "${command[@]}"
    fi
}

# Ends the script unless apt_get can work; the argument is what root has to run otherwise.
require_root() {
    if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
        printf '%s: you are not root, and there is no sudo; have root run:\n    %s\n' "$0" "$1" >&2
        exit 1
    fi
}
