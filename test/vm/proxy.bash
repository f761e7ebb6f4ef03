# shellcheck shell=bash
# Starting and stopping the daemon in a test script.
#
#     start_proxy FLAG...      starts it, with $proxy_flags too, and waits until the kernel is in sync; its log is $proxy_log
#     stop_proxy               ends it with SIGTERM and waits; what has not ended after two minutes is aborted
#     held_addresses           what is held, one ADDRESS/BITS a line
#     on_dummy, by_routes      what of it as addresses of kube-ipvs0, and what by routes
#     logged TEXT              the log of the running daemon has a line with this text

proxy_log=/run/proxy.log
proxy_process=
proxy_flags=()

logged() { grep -qF -- "$1" "$proxy_log"; }

start_proxy() {
    kube-ipvs proxy "${proxy_flags[@]}" "$@" >"$proxy_log" 2>&1 &
    proxy_process=$!
    within 60 logged "kernel: in sync" || {
        report 1 "the daemon programs the kernel"
        show <"$proxy_log"
    }
}

has_ended() { [[ ! -e /proc/$1/exe ]]; } # also when nobody has waited for it yet

stop_proxy() {
    kill -TERM "$proxy_process"
    within 120 has_ended "$proxy_process" || kill -ABRT "$proxy_process"
    wait "$proxy_process" || {
        report 1 "the daemon ends well"
        show <"$proxy_log"
    }
}

on_dummy() {
    [[ -e /sys/class/net/kube-ipvs0 ]] || return 0
    ip -o address show dev kube-ipvs0 | awk '{ print $4 }'
}

by_routes() {
    ip -4 route show table local proto 173 | awk '{ print $2 "/32" }'
    ip -6 route show table local proto 173 | awk '{ print $2 "/128" }'
}

held_addresses() { on_dummy && by_routes; }
