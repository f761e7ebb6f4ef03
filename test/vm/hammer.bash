# shellcheck shell=bash
# Clients that never rest (vm-hammer, see hammer.c), by names.
#
#     hammer NAME NAMESPACE tcp|udp PACE WAIT ADDRESS:PORT...   starts one
#     rest NAME...               ends them; what came of it is in /run/hammer/NAME
#     counted NAME WHAT          how often that was: counted NAME "answer pod-1", counted NAME refused, ...
#     answer_count NAME          how many answers there were, whoever gave them
#     answered NAME              who answered, in alphabetical order: "pod-1 pod-2"
#     tell NAME...               shows the counts in the log
#
# Two hammers of one PACE at one virtual server may go in step: round robin then sends nearly all of one to one real
# server, and nearly all of the other to another. So give them different ones.

declare -A hammers

hammer() {
    mkdir -p /run/hammer
    vm-hammer "${@:2}" >"/run/hammer/$1" &
    hammers[$1]=$!
}

rest() {
    local name
    for name; do kill -TERM "${hammers[$name]}"; done
    for name; do wait "${hammers[$name]}" || report 1 "vm-hammer $name ends well"; done
}

counted() { awk -v what="$2" '{ times = $NF; sub(" [0-9]+$", "") } $0 == what { sum = times } END { print sum + 0 }' "/run/hammer/$1"; }

answer_count() { awk '$1 == "answer" { sum += $NF } END { print sum + 0 }' "/run/hammer/$1"; }

answered() { awk '$1 == "answer" { print $2 }' "/run/hammer/$1" | sort | xargs; }

tell() {
    local name
    for name; do echo "    # $name: $(paste -sd, "/run/hammer/$name" | sed 's/,/, /g')"; done
}
