# shellcheck shell=bash
# A scripted API server in a test script, what it serves, and what the kernel should hold then.
#
#     api_directory DIRECTORY          where everything below is kept, $objects, $access, $lost and $proxy_log; with
#                                      certificates, a token and a kubeconfig for a server at 127.0.0.1:6443
#     serve                            starts the server with what was set so far; versions go on where the last one stopped
#     end_server                       kills it
#     tell METHOD COMMAND [BODY]       scripts it (test/vm/api_server.c)
#     set_service NAME NUMBER ADDRESS...   the Service default/NAME at 10.96.0.NUMBER:80 with these endpoints, port 8080
#     remove_service NAME
#     publish                          the server, if it runs, hears of what was set and removed since the last time
#     must_stay NAME...                their virtual servers must be in the kernel from now on, each with a real server
#                                      that takes traffic, and with all of NAME=ADDRESS,ADDRESS where so written
#     watch_over, stop_watching        looks again and again whether they are, and keeps what is not in $lost
#     table_is_right                   the kernel holds what was set, and nothing else
#     show_table                       the difference
#     patiently SECONDS COMMAND...     as within, but looks only every two seconds, since a look costs much on an emulated
#                                      processor, and many are waiting
#     all_told                         checks that the server did what it was told

api_process=
api_version=0
unpublished='' withdrawn=()
declare -A service_number service_endpoints must_be

# shellcheck disable=SC2034 # proxy_log is for proxy.bash
api_directory() {
    directory=$1 objects=$1/objects access=$1/access lost=$1/lost proxy_log=$1/proxy.log
    mkdir -p "$objects" "$access"
    : >"$directory/not-told"
    vm-api_server --make-certificates "$access"
    echo first >"$access/token"
    cat >"$access/kubeconfig" <<END
apiVersion: v1
kind: Config
current-context: test
contexts: [{name: test, context: {cluster: test, user: test}}]
clusters: [{name: test, cluster: {server: "https://127.0.0.1:6443", certificate-authority: ca.crt}}]
users: [{name: test, user: {tokenFile: $access/token, client-certificate: client.crt, client-key: client.key}}]
END
}

serve() {
    api_version=$((api_version + 100000))
    rm -f "$directory/api-server.log"
    vm-api_server --port 6443 --cert "$access/server.crt" --key "$access/server.key" --client-ca "$access/ca.crt" \
        --script-port 6480 --token "$(<"$access/token")" --version "$api_version" "$objects"/* >"$directory/api-server.log" 2>&1 &
    api_process=$!
    # A large file takes minutes to read.
    within 600 serves_or_died
}

serves_or_died() { grep -qs "listening on port" "$directory/api-server.log" || ! kill -0 "$api_process"; }

end_server() {
    [[ -n $api_process ]] || return 0
    kill -KILL "$api_process"
    wait "$api_process" 2>/dev/null
    api_process=
}

# Without a program, since they are slow to start on an emulated processor. An order that the server does not understand
# would make checks succeed that show nothing, so those are kept; questions may fail, and are asked again.
tell() {
    local status=000 line connection body=${3-}
    exec {connection}<>/dev/tcp/127.0.0.1/6480 && {
        printf '%s /fake/%s HTTP/1.1\r\nHost: fake\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s' \
            "$1" "$2" ${#body} "$body" >&"$connection"
        read -r -t 120 -u "$connection" _ status _
        while read -r -t 120 -u "$connection" line && [[ $line != $'\r' ]]; do :; done
        while IFS= read -r -t 120 -u "$connection" line; do echo "$line"; done
        exec {connection}>&-
    }
    [[ $status == 200 ]] || {
        [[ $1 == GET ]] || echo "$1 $2: $status" >>"$directory/not-told"
        return 1
    }
}

all_told() { same "$1" "" "$(<"$directory/not-told")"; }

# service_json NAME NUMBER ADDRESS...: the Service and its EndpointSlice.
service_json() {
    local name=$1 number=$2 address separator=''
    shift 2
    printf '{"apiVersion":"v1","kind":"Service","metadata":{"name":"%s","namespace":"default"},' "$name"
    printf '"spec":{"type":"ClusterIP","clusterIP":"10.96.0.%s","clusterIPs":["10.96.0.%s"],' "$number" "$number"
    printf '"ipFamilies":["IPv4"],"ports":[{"port":80,"protocol":"TCP"}]}},'
    printf '{"apiVersion":"discovery.k8s.io/v1","kind":"EndpointSlice","addressType":"IPv4","metadata":'
    printf '{"name":"%s-1","namespace":"default","labels":{"kubernetes.io/service-name":"%s"}},' "$name" "$name"
    printf '"ports":[{"name":"","port":8080,"protocol":"TCP"}],"endpoints":['
    for address; do
        printf '%s{"addresses":["%s"],"conditions":{"ready":true}}' "$separator" "$address"
        separator=,
    done
    printf ']}'
}

list_json() { printf '{"kind":"List","apiVersion":"v1","items":[%s]}\n' "$1"; }

set_service() {
    local json
    json=$(service_json "$@")
    list_json "$json" >"$objects/$1"
    unpublished+=${unpublished:+,}$json
    service_number[$1]=$2
    service_endpoints[$1]=${*:3}
}

remove_service() {
    rm "$objects/$1"
    unset "service_number[$1]" "service_endpoints[$1]"
    withdrawn+=("EndpointSlice/default/$1-1" "Service/default/$1")
}

publish() {
    local name
    if [[ -n $api_process ]]; then
        [[ -z $unpublished ]] || tell PUT objects "$(list_json "$unpublished")" >/dev/null
        for name in "${withdrawn[@]}"; do tell DELETE "objects/$name"; done
    fi
    unpublished='' withdrawn=()
}

patiently() { look_every 2 "$@"; }

# ---- the kernel

virtual_server_of() { echo "-A -t 10.96.0.${service_number[$1]}:80 -s rr"; }
real_server_of() { echo "-a -t 10.96.0.${service_number[$1]}:80 -r $2:8080 -m -w 1"; }

wanted_table() {
    local name address
    for name in "${!service_number[@]}"; do
        virtual_server_of "$name"
        for address in ${service_endpoints[$name]}; do
            real_server_of "$name" "$address"
        done
    done | LC_ALL=C sort
}

table() { ipvsadm -Sn | LC_ALL=C sort; }
table_is_right() { [[ "$(table)" == "$(wanted_table)" ]]; }
show_table() { diff -u -L wanted -L kernel <(wanted_table) <(table) | show; }

# ---- watching over it: by /proc and without processes, so that it can be done often

# in_hex ADDRESS PORT: as /proc/net/ip_vs writes them.
in_hex() {
    local bytes
    IFS=. read -ra bytes <<<"$1"
    printf '%02X%02X%02X%02X:%04X' "${bytes[@]}" "$2"
}

must_stay() {
    local name address virtual
    must_be=()
    for name; do
        virtual=$(in_hex "10.96.0.${service_number[${name%%=*}]}" 80)
        must_be["$virtual|  Masq    1 "]="${name%%=*}: a virtual server that answers"
        [[ $name != *=* ]] || for address in $(tr , ' ' <<<"${name#*=}"); do
            must_be["$virtual|-> $(in_hex "$address" 8080)      Masq    1 "]="${name%%=*}: real server $address"
        done
    done
}

# All in one read, and so at one moment, as long as the table fits in a page; here it has some twenty lines. Searching in
# one text is many times as cheap as going through the lines.
look() {
    local text key virtual
    IFS= read -rN 4096 text </proc/net/ip_vs
    for key in "${!must_be[@]}"; do
        virtual=${text#*"TCP  ${key%|*} "}
        virtual=${virtual%%TCP*}
        [[ $text == *"TCP  ${key%|*} "* && $virtual == *"${key#*|}"* ]] || echo "${must_be[$key]}" >>"$lost"
    done
}

# Nobody ever writes to $never: reading from it is a sleep without a process.
look_again_and_again() {
    local looks=0
    until [[ -e $directory/enough ]]; do
        read -r -t 0.25 -u "$never"
        look
        looks=$((looks + 1))
    done
    echo $looks >"$directory/looks"
}

watch_over() {
    : >"$lost"
    rm -f "$directory/enough"
    [[ -p $directory/never ]] || mkfifo "$directory/never"
    exec {never}<>"$directory/never"
    look_again_and_again &
    overseer=$!
}

stop_watching() {
    touch "$directory/enough"
    wait "$overseer"
    exec {never}>&-
}
