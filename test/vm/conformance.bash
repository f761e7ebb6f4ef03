# shellcheck shell=bash
# The conformance cases in the kernel. Needs report.bash and proxy.bash, and to be called in test/vm.
#
#     conformance_node              the node of the cases
#     ${cases[@]}                   their directories
#     compare CASE-DIRECTORY WORDS  the kernel holds, within a time, what the case says
#     follow_cases DIRECTORY        all cases, one after the other, under one daemon that follows DIRECTORY

# shellcheck disable=SC2034 # for scripts
cases=(/test/conformance/cases/*/)

conformance_node() {
    local link
    for link in eth0 eth1; do ip link add $link type dummy; done
    ip address add 10.0.2.15/24 dev eth0
    ip address add fec0::5054:ff:fe12:3456/64 dev eth0 nodad
    ip address add 192.0.2.10/24 dev eth1
    ip address add 2001:db8:1::10/64 dev eth1 nodad
}

virtual_servers() { ipvsadm -Sn | sort; }
addresses() { held_addresses | sort; }
is_reached() { [[ "$(virtual_servers)" == "$(sort "$1virtual-servers")" && "$(addresses)" == "$(sort "$1addresses")" ]]; }

compare() {
    local name
    name=$(basename "$1")
    within 5 is_reached "$1" || true
    same "$name, $2: the virtual servers" "$(sort "$1virtual-servers")" "$(virtual_servers)"
    same "$name, $2: the addresses that are held" "$(sort "$1addresses")" "$(addresses)"
}

follow_cases() {
    local manifests=$1 case
    start_proxy --manifests "$manifests" --hostname-override n1
    for case in "${cases[@]}"; do
        cp "$case/objects.json" "$manifests/.next"
        mv "$manifests/.next" "$manifests/objects.json"
        compare "$case" "after another case"
    done
    stop_proxy
}
