# The kernels that the guest boots: Debian's cloud kernels, downloaded and unpacked, never installed. A part of guest.
#
# The kernel of this machine's own release is asked of this machine's own apt. Those of other releases are asked of an
# apt whose settings and lists are removed afterwards, at the mirror that this machine's apt uses.

kernel_metapackage=linux-image-cloud-amd64
archive_keys=/usr/share/keyrings/debian-archive-keyring.gpg

# What --kernel may name, and the suites that have it. Debian's 7.x has no minor version in its name: sid's moves on.
other_kernels=(
    '5.10 bullseye bullseye-security'
    '6.1 bookworm bookworm-security'
    '6.12 bookworm-backports'
    '7 sid'
)

# suites_of KERNEL: nothing for the kernel of this machine's release.
suites_of() {
    local row
    [[ $1 != own ]] || return 0
    for row in "${other_kernels[@]}"; do
        [[ ${row%% *} != "$1" ]] || { echo "${row#* }" && return; }
    done
    fail "there is no kernel $1; see guest --help"
}

# The names of those kernels that are not this machine's own release's.
list_other_kernels() {
    local row own
    own=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
    for row in "${other_kernels[@]}"; do
        [[ " $row " == *" $own "* ]] || echo "${row%% *}"
    done
}

update_package_lists() {
    ((EUID == 0)) || return 1
    apt-get -qq update >&2
}

# ---- an apt of our own for other releases

# Suite and address of each of Debian's archives that this machine's apt knows.
known_archives() {
    apt-get indextargets --format "\$(ORIGIN) \$(RELEASE) \$(REPO_URI)" 'Created-By: Packages' 2>/dev/null | sed -n 's/^Debian //p'
}

# mirror_of SUITE: where this machine gets such a suite's packages; those of security updates are an archive of their own.
mirror_of() {
    case $1 in
        *-security) known_archives | awk '$1 ~ /-security$/ { print $2; exit }' ;;
        *) known_archives | awk '$1 !~ /-/ { print $2; exit }' ;;
    esac
}

# make_apt DIRECTORY SUITE...: sets $apt_options to those of an apt that keeps all it has there and knows these suites only.
make_apt() {
    local directory=$1 suite mirror
    shift
    [[ -n $(known_archives) ]] || update_package_lists || fail "apt knows no archive of Debian's; run apt-get update"
    mkdir -p "$directory"/{lists,archives}/partial
    for suite; do
        mirror=$(mirror_of "$suite")
        [[ -z $mirror ]] || echo "deb [signed-by=$archive_keys] $mirror $suite main"
    done >"$directory/sources.list"
    [[ -s $directory/sources.list ]] || fail "apt knows no archive of Debian's"
    cat >"$directory/apt.conf" <<END
Dir::State "$directory";
Dir::State::status "/dev/null";
Dir::Cache "$directory";
Dir::Etc::sourcelist "$directory/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Default-Release "";
APT::Sandbox::User "root";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
END
    apt_options=(-c "$directory/apt.conf")
    apt-get "${apt_options[@]}" -qq update >&2
}

# ---- finding, downloading and unpacking, with the apt of $apt_options

# dependencies PACKAGE PATTERN: those of its dependencies whose name matches.
dependencies() {
    apt-cache "${apt_options[@]}" depends --important "$1" 2>/dev/null | sed -nE "s/^ *Depends: ($2)$/\1/p"
}

kernel_package() { dependencies "$kernel_metapackage" 'linux-image-[0-9].*' | head -n 1; }

# download PACKAGE...: into the current directory.
download() { apt-get "${apt_options[@]}" -qq download "$@" >>log 2>&1; }

# unpack WORK NAME PACKAGE: downloads the kernel's packages and keeps what is in them as $cache/NAME.
unpack() {
    local work=$1 name=$2 package=$3 parts file
    say "downloading $package"
    mkdir "$work/debs"
    # Since 6.17 the image's package is empty, and three others have its parts.
    mapfile -t parts < <(dependencies "$package" 'linux-(base|binary|modules)-[0-9].*')
    (cd "$work/debs" && { download "$package" "${parts[@]}" ||
        { update_package_lists && download "$package" "${parts[@]}"; }; }) || {
        cat "$work/debs/log" >&2
        return 1
    }
    for file in "$work"/debs/*.deb; do
        dpkg-deb -x "$file" "$work/tree" || return
    done
    [[ -d $work/tree/lib ]] || ln -s usr/lib "$work/tree/lib"
    depmod -b "$work/tree" "$(ls "$work/tree/lib/modules")" &&
        rm -rf "${cache:?}/$name" &&
        mv "$work/tree" "$cache/$name"
}

# look_for KERNEL WORK: prints which directory of the cache has the newest kernel of that name, which it fetches if need be.
look_for() {
    local suites package='' name
    read -ra suites <<<"$(suites_of "$1")"
    if ((${#suites[@]})); then
        make_apt "$2/apt" "${suites[@]}" || return
        package=$(kernel_package)
    else
        package=$(kernel_package)
        [[ -n $package ]] || { update_package_lists && package=$(kernel_package); }
    fi
    [[ -n $package ]] || { say "apt knows no $kernel_metapackage; run apt-get update" && return 1; }
    name=$(apt-get "${apt_options[@]}" download --print-uris "$package" 2>/dev/null | awk '{ sub(/\.deb$/, "", $2); print $2 }')
    [[ -n $name ]] || name=$package
    [[ -d $cache/$name ]] || unpack "$2" "$name" "$package" >&2 || return
    echo "$name"
}

# The file that says which directory of the cache a kernel is.
record_of() {
    if [[ $1 == own ]]; then echo "$cache/kernel"; else echo "$cache/kernel-$1"; fi
}

# recorded KERNEL: the directory that the last look found.
recorded() {
    local record
    record=$(record_of "$1")
    [[ -s $record && -d $cache/$(<"$record") ]] && echo "$cache/$(<"$record")"
}

# fetch_kernel KERNEL: sees that the newest kernel of that name is in the cache. Other releases are asked once a day.
fetch_kernel() {
    local work name apt_options=()
    if [[ $1 != own && -n $(recorded "$1") && -n $(find "$(record_of "$1")" -mmin -1440) ]]; then
        return
    fi
    work=$(mktemp -d "$cache/.kernel.XXXXXX")
    name=$(look_for "$1" "$work") || name=''
    rm -rf "$work"
    if [[ -n $name ]]; then
        echo "$name" >"$(record_of "$1")"
    elif [[ -n $(recorded "$1") ]]; then
        say "the kernel $(basename "$(recorded "$1")") is used, since no newer one can be asked for"
    else
        fail "the kernel $1 could not be downloaded"
    fi
}

# image_of TREE: the kernel itself.
image_of() {
    local image
    for image in "$1"/boot/vmlinuz-* "$1"/lib/modules/*/vmlinuz; do
        [[ ! -f $image ]] || { echo "$image" && return; }
    done
    fail "$1 has no kernel"
}

# stage_modules TREE FROM PATTERN: copies the modules that match, and those they depend on, with their index. Packed ones
# are unpacked here, since the emulated machine takes ten times as long; those that are not xz are left to its modprobe.
stage_modules() {
    local tree=$1 from=$2 version
    version=$(ls "$from/lib/modules")
    from=$from/lib/modules/$version
    mkdir -p "$tree/usr/lib/modules/$version"
    awk -F: -v wanted="$3" '{ name = $1; sub(/\.(xz|zst|gz)$/, "", name) } name ~ wanted { print $1 $2 }' "$from/modules.dep" |
        tr ' ' '\n' | sort -u |
        (cd "$from" && xargs cp --parents -t "$tree/usr/lib/modules/$version" modules.builtin modules.builtin.modinfo modules.order)
    find "$tree/usr/lib/modules" -name '*.ko.xz' -exec busybox unxz {} +
    depmod -b "$tree" "$version"
}
