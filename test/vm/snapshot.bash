# shellcheck shell=bash
# make_snapshot: makes /run/snapshot, a program that writes what of ours the kernel holds to /run/NAME, so that two of them
# can be compared: counters and the order in which things are listed do not matter.

make_snapshot() {
    cat >/run/snapshot <<'END'
#!/bin/bash
{
    ipvsadm -Sn
    ip -o address show dev kube-ipvs0 | awk '{ print $3, $4 }'
    nft list table inet kube-ipvs | tr -s ' \t,' '\n'
} | LC_ALL=C sort >"/run/$1"
END
    chmod +x /run/snapshot
}
