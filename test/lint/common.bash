# shellcheck shell=bash
# For the scripts beside it: each prints one line for each fault and ends with 1 if there was one.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
faults=0

fault() {
    echo "${0##*/}: $*" >&2
    faults=$((faults + 1))
}

finish() { exit $((faults > 0)); }

# our_files PATTERN...: the repository's files of those names, relative to $root, without what git ignores.
our_files() {
    (cd "$root" && git ls-files --cached --others --exclude-standard -- "$@" |
        while read -r file; do [[ ! -f $file ]] || echo "$file"; done)
}

# warning_flags: as the build uses them.
warning_flags() { grep -oE -e '-W[a-z0-9=-]+' "$root/CMakeLists.txt" | sort -u; }

library_flags() { pkg-config --cflags jansson yaml-0.1 libevent libcurl libnl-3.0 libnl-genl-3.0 libnl-route-3.0; }
