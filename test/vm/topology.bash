# shellcheck shell=bash
# A small network inside the guest: the node (the guest itself), segments, and hosts and pods as network namespaces.
#
#     node_forwards                            once, before all else
#     segment NAME ADDRESS/LENGTH...           a link of the node, with the node's addresses on it
#     host NAME SEGMENT ADDRESS/LENGTH...      a host on that segment; the node is its router
#     pod NAME ADDRESS...                      a host on the segment cni0, which comes with the first pod
#     answer_http NAME PORT                    NAME answers HTTP: / says NAME, /cgi-bin/client says NAME and the client
#     answer_udp NAME PORT                     each datagram is answered with a line: NAME and the client
#     answer_sctp NAME PORT                    each association likewise
#     silence NAME                             ends what answers in NAME
#     inside NAME COMMAND...                   runs COMMAND there; the name "node" is the node
#     ask_http NAME ADDRESS PORT [PATH]        what NAME gets as answer, or an empty line and a status that is not 0
#     ask_udp NAME ADDRESS PORT [SOURCEPORT]
#     ask_sctp NAME ADDRESS PORT
#
# Pods sit behind a bridge, as with most CNI plug-ins, and br_netfilter brings their answers back through the node's
# connection tracking and IPVS. Source addresses stay as they are unless a rule of the script masquerades.

pod_network=(10.244.0.1/16 fd00:10:244::1/48)
# How long to wait for an answer. Long, since a busy machine makes the guest slow; where none is expected, a script may
# say less: ask_seconds=2 ask_http ...
export ask_seconds=15

node_forwards() {
    modprobe -a br_netfilter nf_conntrack ip_vs
    sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.vs.conntrack=1 \
        net.bridge.bridge-nf-call-iptables=1 net.bridge.bridge-nf-call-ip6tables=1 \
        net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.all.accept_dad=0
}

inside() {
    local name=$1
    shift
    if [[ $name == node ]]; then "$@"; else ip netns exec "$name" "$@"; fi
}

family_of() { if [[ $1 == *:* ]]; then echo -6; else echo -4; fi; }

# give_addresses NAMESPACE LINK ADDRESS/LENGTH...
give_addresses() {
    local name=$1 link=$2 address
    shift 2
    for address; do
        case $address in
            *:*) inside "$name" ip address add "$address" dev "$link" nodad ;;
            *) inside "$name" ip address add "$address" dev "$link" ;;
        esac
    done
}

segment() {
    local name=$1
    shift
    ip link add "$name" type bridge
    ip link set "$name" up
    give_addresses node "$name" "$@"
}

# routers SEGMENT: the node's address on it in each family.
routers() { ip -o address show dev "$1" scope global | awk '{ sub("/.*", "", $4); if (!seen[$3]++) print $4 }'; }

host() {
    local name=$1 segment=$2 router
    shift 2
    ip netns add "$name"
    ip link add "$name-0" type veth peer name eth0 netns "$name"
    ip link set "$name-0" master "$segment" up
    ip link set "$name-0" type bridge_slave hairpin on
    ip -n "$name" link set lo up
    ip netns exec "$name" sysctl -q -w net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.eth0.accept_dad=0
    ip -n "$name" link set eth0 up
    give_addresses "$name" eth0 "$@"
    for router in $(routers "$segment"); do
        if [[ $* == *:* || $router != *:* ]]; then
            ip -n "$name" "$(family_of "$router")" route add default via "$router"
        fi
    done
}

pod() {
    local name=$1 address with_length=()
    shift
    [[ -e /sys/class/net/cni0 ]] || segment cni0 "${pod_network[@]}"
    for address; do
        if [[ $address == *:* ]]; then with_length+=("$address/48"); else with_length+=("$address/16"); fi
    done
    host "$name" cni0 "${with_length[@]}"
}

# listening NAME PROTOCOL PORT: waits until something listens there; PROTOCOL is an option of ss.
listening() {
    local tries
    for ((tries = 0; tries < 200; tries++)); do
        inside "$1" ss -Hnl "$2" "sport = :$3" | grep -q . && return
        sleep 0.1
    done
    echo "$1: nothing listens at port $3" >&2
    return 1
}

# start NAME COMMAND...: in the background, in a session of its own, which silence ends.
start() {
    local name=$1
    shift
    mkdir -p "/run/answers/$name"
    if [[ $name == node ]]; then setsid "$@" & else ip netns exec "$name" setsid "$@" & fi
    echo $! >>"/run/answers/$name/sessions"
    disown
}

silence() {
    local session
    while read -r session; do
        kill -KILL -- "-$session" 2>/dev/null || true
    done <"/run/answers/$1/sessions"
    rm "/run/answers/$1/sessions"
}

answer_http() {
    local root=/run/answers/$1/http
    mkdir -p "$root/cgi-bin"
    echo "$1" >"$root/index.html"
    cat >"$root/cgi-bin/client" <<EOF
#!/bin/sh
client=\${REMOTE_ADDR#[}
client=\${client%]}
printf 'Content-Type: text/plain\r\n\r\n%s\n' "$1 \${client#::ffff:}"
EOF
    chmod +x "$root/cgi-bin/client"
    start "$1" busybox httpd -f -p "[::]:$2" -h "$root"
    listening "$1" -t "$2"
}

# Makes the program that socat runs for each datagram or association, and prints its path. Socat writes IPv6 addresses
# in full; the first run of zeros becomes "::".
responder() {
    local path=/run/answers/$1/respond
    mkdir -p "${path%/*}"
    cat >"$path" <<EOF
#!/bin/sh
read -r line
case \$SOCAT_PEERADDR in
    *:*) client=\$(echo "\$SOCAT_PEERADDR" | sed -E 's/[][]//g; s/(^|:)0{1,3}/\1/g; s/:(0:)+/::/') ;;
    *) client=\$SOCAT_PEERADDR ;;
esac
echo "$1 \$client"
EOF
    chmod +x "$path"
    echo "$path"
}

# -t: socat takes a datagram for the end of its input, and would wait only half a second for the answer to it.
answer_udp() {
    local respond
    respond=$(responder "$1")
    start "$1" socat -t "$ask_seconds" "UDP4-RECVFROM:$2,fork" "EXEC:$respond"
    start "$1" socat -t "$ask_seconds" "UDP6-RECVFROM:$2,ipv6only=1,fork" "EXEC:$respond"
    listening "$1" -4u "$2" && listening "$1" -6u "$2"
}

answer_sctp() {
    local respond
    respond=$(responder "$1")
    start "$1" socat -t "$ask_seconds" "SCTP4-LISTEN:$2,reuseaddr,fork" "EXEC:$respond"
    start "$1" socat -t "$ask_seconds" "SCTP6-LISTEN:$2,reuseaddr,ipv6only=1,fork" "EXEC:$respond"
    listening "$1" -4S "$2" && listening "$1" -6S "$2"
}

bracketed() { if [[ $1 == *:* ]]; then echo "[$1]"; else echo "$1"; fi; }

ask_http() {
    inside "$1" curl -sS -g --max-time "$ask_seconds" "http://$(bracketed "$2"):$3${4:-/}" || { echo && return 1; }
}

# ask_line NAME SOCAT-ADDRESS: sends a line, prints the first line that comes back. The program that socat becomes
# reads from the socket itself, and a whole datagram at once; its descriptor 3 is the answer.
ask_line() {
    local answer
    [[ -x /run/answers/ask ]] || {
        mkdir -p /run/answers
        # shellcheck disable=SC2016 # for the program to expand
        printf '#!/bin/sh\necho ask\nexec timeout "$ask_seconds" head -n 1 >&3\n' >/run/answers/ask
        chmod +x /run/answers/ask
    }
    answer=$(inside "$1" socat "$2" EXEC:/run/answers/ask,nofork 3>&1 >/dev/null) || true
    echo "$answer"
    [[ -n $answer ]]
}

ask_udp() { ask_line "$1" "UDP:$(bracketed "$2"):$3${4:+,sourceport=$4}"; }

ask_sctp() { ask_line "$1" "SCTP-CONNECT:$(bracketed "$2"):$3,connect-timeout=$ask_seconds"; }
