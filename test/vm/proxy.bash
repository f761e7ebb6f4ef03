# shellcheck shell=bash
# Starting and stopping the daemon in a test script.
#
#     start_proxy FLAG...      starts it and waits until the kernel is in sync; its log is $proxy_log
#     stop_proxy               ends it with SIGTERM and waits
#     held_addresses           what kube-ipvs0 holds, one ADDRESS/BITS a line
#     logged TEXT              the log of the running daemon has a line with this text

proxy_log=/run/proxy.log
proxy_process=

logged() { grep -qF -- "$1" "$proxy_log"; }

start_proxy() {
    kube-ipvs proxy "$@" >"$proxy_log" 2>&1 &
    proxy_process=$!
    within 60 logged "kernel: in sync" || {
        report 1 "the daemon programs the kernel"
        show <"$proxy_log"
    }
}

stop_proxy() {
    kill -TERM "$proxy_process"
    wait "$proxy_process" || {
        report 1 "the daemon ends well"
        show <"$proxy_log"
    }
}

held_addresses() {
    [[ -e /sys/class/net/kube-ipvs0 ]] || return 0
    ip -o address show dev kube-ipvs0 | awk '{ print $4 }'
}
