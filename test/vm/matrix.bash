# shellcheck shell=bash
# The network of the traffic matrix, and asking it. Needs report.bash and topology.bash.
#
#     matrix_network                       the network that matrix.table describes, and its backends
#     ask_matrix STATE GROUPS [nothing]    asks the cells of these groups; with "nothing", none of them may be answered
#
# The cable between the hosts is a bridge in a namespace of its own: on the node, br_netfilter would show each packet twice
# to the node's own hooks.

# The limit for an answer. All who wait do so together, so it is long, for slow machines.
matrix_seconds=8

# cable_host NAME ADDRESS/LENGTH...: puts the namespace, or the node, at the cable.
cable_host() {
    local name=$1
    shift
    if [[ $name == node ]]; then
        ip link add "$name" netns cable type veth peer name eth0
    else
        ip netns add "$name"
        ip link add "$name" netns cable type veth peer name eth0 netns "$name"
        ip -n "$name" link set lo up
        ip netns exec "$name" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0
    fi
    ip -n cable link set "$name" master cable up
    inside "$name" ip link set eth0 up
    give_addresses "$name" eth0 "$@"
}

# Another node, with pods of its own behind a bridge.
second_node() {
    cable_host node-2 192.0.2.20/24 2001:db8:1::20/64
    ip netns exec node-2 sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv6.conf.default.accept_dad=0
    ip -n node-2 route add default via 192.0.2.10
    ip -n node-2 -6 route add default via 2001:db8:1::10
    ip -n node-2 link add cni0 type bridge
    ip -n node-2 link set cni0 up
    give_addresses node-2 cni0 10.244.1.1/24 fd00:10:244:1::1/64
    ip route add 10.244.1.0/24 via 192.0.2.20
    ip -6 route add fd00:10:244:1::/64 via 2001:db8:1::20
}

# pod_of_second_node NAME ADDRESS/LENGTH...
pod_of_second_node() {
    local name=$1
    shift
    ip netns add "$name"
    ip link add "$name" netns node-2 type veth peer name eth0 netns "$name"
    ip -n node-2 link set "$name" master cni0 up
    ip -n "$name" link set lo up
    ip netns exec "$name" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0
    ip -n "$name" link set eth0 up
    give_addresses "$name" eth0 "$@"
    ip -n "$name" route add default via 10.244.1.1
    ip -n "$name" -6 route add default via fd00:10:244:1::1
}

# Of ICMP errors the kernel sends a few a second only, unless it is told otherwise; here each refusal counts.
icmp_without_limit() {
    sysctl -q -w net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 \
        net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=100000
}

matrix_network() {
    local name
    modprobe sctp
    node_forwards
    icmp_without_limit
    ip netns add cable
    ip -n cable link add cable type bridge
    ip -n cable link set cable up
    cable_host node 192.0.2.10/24 2001:db8:1::10/64
    segment cni0 10.244.0.1/24 fd00:10:244::1/64
    host pod-1 cni0 10.244.0.11/24 fd00:10:244::11/64
    host pod-2 cni0 10.244.0.12/24 fd00:10:244::12/64
    cable_host client 192.0.2.100/24 2001:db8:1::100/64
    ip -n client route add default via 192.0.2.10
    ip -n client -6 route add default via 2001:db8:1::10
    second_node
    pod_of_second_node pod-3 10.244.1.13/24 fd00:10:244:1::13/64
    pod_of_second_node pod-4 10.244.1.14/24 fd00:10:244:1::14/64
    for name in node pod-1 pod-2 pod-4 node-2 client; do
        inside "$name" sysctl -q -w net.ipv4.ping_group_range="0 0"
    done
    vm-answer 8080 pod-1 pod-3
    vm-answer 80 node
    vm-answer 2222 node
}

matrix() { awk -v want="$1" -v groups="$2" -v state="$3" -v forbid="${4-}" -f matrix.awk matrix.table "${@:5}"; }

matrix_manifests() { matrix manifests '' ''; }

# A machine that stands still for a while lets all time out that is under way. So where few cells are wrong, all is asked
# once more, and what is wrong twice counts; what was wrong once is shown.
ask_matrix() {
    local state=$1 groups=$2 nothing=${3-} begin=$SECONDS good bad
    matrix questions "$groups" "$state" >/run/questions
    vm-ask $matrix_seconds </run/questions >/run/answers-1
    matrix verdicts "$groups" "$state" "$nothing" /run/answers-1 >/run/verdicts
    bad=$(grep -c '^not ok - ' /run/verdicts)
    if ((bad > 0 && bad <= 50)); then
        grep -A 1 '^not ok - ' /run/verdicts | sed 's/^not ok -/# once more:/'
        vm-ask $matrix_seconds </run/questions >/run/answers-2
        matrix verdicts "$groups" "$state" "$nothing" /run/answers-1 /run/answers-2 >/run/verdicts
    fi
    cat /run/verdicts
    good=$(grep -c '^ok - ' /run/verdicts)
    bad=$(grep -c '^not ok - ' /run/verdicts)
    ((good + bad)) || report 1 "$state: the matrix is asked"
    done_checks=$((done_checks + good + bad))
    failed_checks=$((failed_checks + bad))
    echo "# $state: $((good + bad)) cells, $bad wrong, $((SECONDS - begin)) s"
}

# ---- what kube-proxy leaves, as recorded in test/data/kube-proxy

recorded=../data/kube-proxy
kube_proxy_backend= # of iptables: "", or -legacy

# The recorded node has these addresses too, with node ports on them.
kube_proxy_node() {
    [[ ! -e /sys/class/net/uplink ]] || return 0
    ip link add uplink type dummy
    ip link set uplink up
    give_addresses node uplink 10.0.2.15/24 fec0::5054:ff:fe12:3456/64
}

# Everything that was recorded. Where addresses and ports are also those of the matrix, others stand behind them. The sets
# hold the Services of the matrix too, as those of a kube-proxy that served them until now.
kube_proxy_left() {
    local addresses
    kube_proxy_node
    # Without what only newer kernels know, and what is anyone's to choose.
    sed 's/ bucketsize [0-9]* initval 0x[0-9a-f]*$//' $recorded/ipset-save | ipset restore
    matrix kube-proxy-sets '' '' | ipset -exist restore
    "iptables$kube_proxy_backend-restore" <$recorded/iptables-save
    "ip6tables$kube_proxy_backend-restore" <$recorded/ip6tables-save
    ip link add kube-ipvs0 type dummy
    mapfile -t addresses < <(awk '$1 ~ /^inet/ { print $2 }' $recorded/ip-addr)
    give_addresses node kube-ipvs0 "${addresses[@]}"
    ipvsadm -R <$recorded/ipvsadm-save
}

# Its rules and sets in the kernel.
kube_proxy_rules() {
    { iptables-save && ip6tables-save; } | grep '^[:-].*KUBE-'
    ipset list -n | sort
}

# What of its virtual servers and addresses is there though no Service of the matrix asks for it.
kube_proxy_unwanted() {
    ipvsadm -Sn | grep -E ' (10[.]96[.]163[.]176|10[.]99[.]99[.]99|146[.]148[.]47[.]199|80[.]11[.]12[.]10):'
    held_addresses | grep -E '^(10[.]96[.]163[.]176|10[.]99[.]99[.]99|146[.]148[.]47[.]199|80[.]11[.]12[.]10)/'
}
