# Reads matrix.table, whose header explains it.
#
#     awk -v want=manifests -f matrix.awk matrix.table            Services, EndpointSlices and the Node, as JSON
#     awk -v want=kube-proxy-sets -f matrix.awk matrix.table       what kube-proxy adds to its ipsets for the Services
#     awk -v want=questions -v groups="GROUP..." -f ...            a question for vm-ask on each line
#     awk -v want=verdicts -v groups=... -v state=TEXT [-v forbid=yes] -f matrix.awk matrix.table ANSWERS...
#                                                                 "ok - ..." and "not ok - ..." for each cell, and status 1
#                                                                 if one is not; forbid: whatever the table says, no answer

BEGIN {
    split("pod-1 pod-2 node pod-4 node-2 client", callers)
    own["pod-1", 4] = "10.244.0.11";   own["pod-1", 6] = "fd00:10:244::11"
    own["pod-2", 4] = "10.244.0.12";   own["pod-2", 6] = "fd00:10:244::12"
    own["pod-3", 4] = "10.244.1.13";   own["pod-3", 6] = "fd00:10:244:1::13"
    own["pod-4", 4] = "10.244.1.14";   own["pod-4", 6] = "fd00:10:244:1::14"
    own["node", 4] = "192.0.2.10";     own["node", 6] = "2001:db8:1::10"
    own["node-2", 4] = "192.0.2.20";   own["node-2", 6] = "2001:db8:1::20"
    own["client", 4] = "192.0.2.100";  own["client", 6] = "2001:db8:1::100"
    own["bridge", 4] = "10.244.0.1";   own["bridge", 6] = "fd00:10:244::1"
    own["loopback", 4] = "127.0.0.1";  own["loopback", 6] = "::1"
    protocol_names["T"] = "tcp"; protocol_names["U"] = "udp"; protocol_names["S"] = "sctp"
    protocol_names["P"] = "ping"; protocol_names["H"] = "http"
    group_count = split(groups, words)
    for (i = 1; i <= group_count; i++) wanted_group[words[i]] = 1
    policy_words["C"] = "Cluster"; policy_words["L"] = "Local"
    failures = 0
}

FILENAME != ARGV[1] {
    if (FNR == 1) answer_files++
    answers[answer_files, FNR] = $0
    next
}
/^[ \t]*(#|$)/ { next }
$1 == "service" { add_service(); next }
$1 == "group" { group = $2; next }
group in wanted_group { add_row() }

END {
    if (want == "manifests") {
        print_node()
        for (i = 1; i <= service_count; i++) print_service(service_names[i])
    } else if (want == "kube-proxy-sets") {
        for (i = 1; i <= service_count; i++) print_sets(service_names[i])
    } else if (want == "questions") {
        for (i = 1; i <= question_count; i++) print questions[i]
    } else {
        for (i = 1; i <= cell_count; i++) judge(i)
        for (i = 1; i <= share_count && forbid == ""; i++) judge_share(i)
        exit failures > 0
    }
}

# service NAME INTERNAL EXTERNAL ENDPOINTS [OPTION=VALUE]...
function add_service(    name, number, option, pair, i) {
    name = $2
    service_names[++service_count] = name
    number = service_count
    internal[name] = $3; external[name] = $4; endpoints[name] = $5
    port[name] = 80
    node_port[name] = 30079 + number
    health_port[name] = 32000 + number
    address[name, "cluster-ip", 4] = "10.96.1." number;   address[name, "cluster-ip", 6] = "fd00:10:96::" sprintf("%x", number)
    address[name, "external-ip", 4] = "203.0.113." number; address[name, "external-ip", 6] = "2001:db8:e::" sprintf("%x", number)
    address[name, "lb-vip", 4] = "198.51.100." number;    address[name, "lb-vip", 6] = "2001:db8:f::" sprintf("%x", number)
    for (i = 6; i <= NF; i++) {
        split($i, option, "=")
        if (option[1] == "ranges") ranges[name] = option[2]
        else if (option[1] == "port") port[name] = option[2]
        else if (option[1] == "external-ip") {
            split(option[2], pair, ",")
            address[name, "external-ip", 4] = pair[1]; address[name, "external-ip", 6] = pair[2]
        }
    }
}

function quoted_list(text,    items, count, i, result) {
    count = split(text, items, ",")
    for (i = 1; i <= count; i++) result = result (i > 1 ? "," : "") "\"" items[i] "\""
    return result
}

function print_node() {
    printf "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n1\"},"
    printf "\"spec\":{\"podCIDRs\":[\"10.244.0.0/24\",\"fd00:10:244::/64\"]},\"status\":{\"addresses\":["
    printf "{\"type\":\"InternalIP\",\"address\":\"%s\"},", own["node", 4]
    printf "{\"type\":\"InternalIP\",\"address\":\"%s\"}]}}\n", own["node", 6]
}

function print_service(name,    letters, i) {
    printf "{\"apiVersion\":\"v1\",\"kind\":\"Service\",\"metadata\":{\"name\":\"%s\",\"namespace\":\"default\"},", name
    printf "\"spec\":{\"type\":\"LoadBalancer\",\"clusterIP\":\"%s\",", address[name, "cluster-ip", 4]
    printf "\"clusterIPs\":[%s],", quoted_list(address[name, "cluster-ip", 4] "," address[name, "cluster-ip", 6])
    printf "\"ipFamilies\":[\"IPv4\",\"IPv6\"],\"ipFamilyPolicy\":\"RequireDualStack\","
    printf "\"internalTrafficPolicy\":\"%s\",\"externalTrafficPolicy\":\"%s\",", internal[name], external[name]
    if (external[name] == "Local") printf "\"healthCheckNodePort\":%d,", health_port[name]
    if (ranges[name] != "") printf "\"loadBalancerSourceRanges\":[%s],", quoted_list(ranges[name])
    printf "\"externalIPs\":[%s],", quoted_list(address[name, "external-ip", 4] "," address[name, "external-ip", 6])
    print_ports(name, ",\"nodePort\":" node_port[name], "port", port[name])
    printf "},\"status\":{\"loadBalancer\":{\"ingress\":[{\"ip\":\"%s\"},{\"ip\":\"%s\"}]}}}\n",
        address[name, "lb-vip", 4], address[name, "lb-vip", 6]
    for (i = 4; i <= 6; i += 2) print_slice(name, i)
}

function print_ports(name, more, field, number,    letters, i) {
    split("TCP UDP SCTP", letters, " ")
    printf "\"ports\":["
    for (i = 1; i <= 3; i++)
        printf "%s{\"name\":\"%s\",\"protocol\":\"%s\",\"%s\":%d%s}", (i > 1 ? "," : ""), tolower(letters[i]), letters[i],
            field, number, more
    printf "]"
}

function print_slice(name, family,    numbers, count, i) {
    printf "{\"apiVersion\":\"discovery.k8s.io/v1\",\"kind\":\"EndpointSlice\",\"addressType\":\"IPv%d\",", family
    printf "\"metadata\":{\"name\":\"%s-%d\",\"namespace\":\"default\",", name, family
    printf "\"labels\":{\"kubernetes.io/service-name\":\"%s\"}},", name
    print_ports(name, "", "port", 8080)
    printf ",\"endpoints\":["
    count = endpoints[name] == "none" ? 0 : split(endpoints[name], numbers, "+")
    for (i = 1; i <= count; i++)
        printf "%s{\"addresses\":[\"%s\"],\"nodeName\":\"%s\",\"conditions\":{\"ready\":true}}", (i > 1 ? "," : ""),
            own["pod-" numbers[i], family], numbers[i] < 3 ? "n1" : "n2"
    printf "]}\n"
}

# As R7.3 to R7.6 fill them, but for what source ranges need: the recorded rules use one of those sets only.
function print_sets(name,    protocols, family, p, outer) {
    split("tcp udp sctp", protocols, " ")
    outer = external[name] == "Local" ? "-LOCAL" : ""
    for (family = 4; family <= 6; family += 2) {
        set_prefix = family == 4 ? "KUBE-" : "KUBE-6-"
        for (p = 1; p <= 3; p++) {
            print_entry("CLUSTER-IP", address[name, "cluster-ip", family] "," protocols[p] ":" port[name])
            print_entry("EXTERNAL-IP" outer, address[name, "external-ip", family] "," protocols[p] ":" port[name])
            print_entry("LOAD-BALANCER", address[name, "lb-vip", family] "," protocols[p] ":" port[name])
            if (outer) print_entry("LOAD-BALANCER-LOCAL", address[name, "lb-vip", family] "," protocols[p] ":" port[name])
            print_entry("LOOP-BACK", own["pod-1", family] "," protocols[p] ":8080," own["pod-1", family])
        }
        print_entry("NODE-PORT-TCP", node_port[name])
        print_entry("NODE-PORT-UDP", node_port[name])
        if (outer) print_entry("NODE-PORT-LOCAL-TCP", node_port[name])
        if (outer) print_entry("NODE-PORT-LOCAL-UDP", node_port[name])
        if (outer) print_entry("HEALTH-CHECK-NODE-PORT", health_port[name])
        print_entry("IPVS-IPS", address[name, "cluster-ip", family])
        print_entry("IPVS-IPS", address[name, "lb-vip", family])
        if (address[name, "external-ip", family] != own["node", family])
            print_entry("IPVS-IPS", address[name, "external-ip", family])
    }
}

function print_entry(set, entry) { print "add " set_prefix set " " entry }

# SERVICE ADDRESS PROTOCOLS, then what each caller gets
function add_row(    words, count, i, c, letter, families, f) {
    if (NF != 9) bad_line("has " NF " words instead of 9")
    if ($1 != "-" && !($1 in internal)) bad_line("there is no service " $1)
    count = split($3, words, ",")
    for (i = 1; i <= count; i++) {
        letter = substr(words[i], 1, 1)
        families = length(words[i]) > 1 ? substr(words[i], 2) : "46"
        for (f = 4; f <= 6; f += 2)
            if (index(families, f)) {
                share = ""
                for (c = 1; c <= 6; c++) add_cell($1, $2, letter, f, callers[c], $(c + 3))
            }
    }
}

function bad_line(text) {
    print "matrix.table:" FNR ": " text > "/dev/stderr"
    print "not ok - matrix.table:" FNR " can be read"
    exit 2
}

# Where a word of the column ADDRESS leads to: sets target and target_port.
function find_target(name, word, family,    parts) {
    split(word, parts, "/")
    if ((name, parts[1], family) in address) {
        target = address[name, parts[1], family]
        target_port = port[name]
    } else if ((parts[1], family) in own) {
        target = own[parts[1], family]
    } else bad_line("what is " word "?")
    if (parts[2] == "node-port") target_port = node_port[name]
    else if (parts[2] == "health") target_port = health_port[name]
    else if (parts[2] != "") target_port = parts[2]
}

function add_cell(name, word, letter, family, caller, expected,    tries, i) {
    if (expected == "-") return
    find_target(name, word, family)
    cell_count++
    cell_caller[cell_count] = caller
    cell_family[cell_count] = family
    cell_expected[cell_count] = expected
    cell_sentence[cell_count] = (state == "" ? "" : state ": ") caller " -> " word service_words(name) ", IPv" family " " \
        toupper(protocol_names[letter])
    tries = expected ~ /\// && endpoints[name] ~ /[+]/ ? 2 : 1
    cell_first[cell_count] = question_count + 1
    for (i = 1; i <= tries; i++)
        questions[++question_count] = caller " " protocol_names[letter] " " target " " target_port
    cell_last[cell_count] = question_count
    if (expected ~ /^[0-9][0-9]\//) add_to_share(expected)
}

function service_words(name,    words) {
    if (name == "-") return ""
    words = endpoints[name] == "none" ? "no endpoint" : "pod-" endpoints[name]
    gsub(/[+]/, " and pod-", words)
    return " of " name " (" internal[name] ", " external[name] "; " words ")"
}

# The cells of one row, protocol and family in which balancing decides: each backend has to answer somewhere in them.
function add_to_share(expected) {
    if (share == "") {
        share = ++share_count
        share_first[share] = cell_count
    }
    share_last[share] = cell_count
}

# The source that `answerer` sees if `caller` was masqueraded (word "node") or not ("own"). A pod that reaches itself is.
function source(word, caller, answerer, family) {
    if (word == "own" && caller != answerer) return own[caller, family]
    return answerer == "pod-3" ? own["node", family] : own["bridge", family]
}

# What a cell's word means as answers of vm-ask: sets allowed[], and says it in words.
function expect(word, caller, family,    parts, i, answerer, text, words) {
    delete allowed
    if (word == "nothing") return "no answer"
    if (word == "pong" || word ~ /^[0-9]+$/) {
        allowed["answer " word]
        return word
    }
    if (word !~ /\//) {
        allowed[word]
        return word
    }
    split(word, parts, "/")
    if (parts[1] == "host") {
        text = "node " source(parts[2], caller, "", family)
        allowed["answer " text]
        return "the host itself sees " source(parts[2], caller, "", family)
    }
    for (i = 1; i <= length(parts[1]); i++) {
        answerer = "pod-" substr(parts[1], i, 1)
        text = source(parts[2], caller, answerer, family)
        allowed["answer " answerer " " text]
        words = words (i > 1 ? " or " : "") answerer " sees " text
    }
    return words
}

function result_of(file, number,    words, count) {
    count = split(answers[file, number], words, " ")
    if (count < 5 || words[1] " " words[2] " " words[3] " " words[4] != questions[number]) return "not asked"
    return substr(answers[file, number], length(questions[number]) + 2)
}

# What of the answers in one file is not what the cell expects; "" if nothing.
function faults_of(cell, file, word,    i, result, wrong) {
    for (i = cell_first[cell]; i <= cell_last[cell]; i++) {
        result = result_of(file, i)
        if (word == "nothing" ? result ~ /^(answer|not asked)/ : !(result in allowed)) wrong = wrong ", " result
    }
    return substr(wrong, 3)
}

# A cell is right if it was in one of the files: see ask_matrix.
function judge(cell,    word, sentence, file, faults, all) {
    word = forbid == "" ? cell_expected[cell] : "nothing"
    sentence = cell_sentence[cell] ": " expect(word, cell_caller[cell], cell_family[cell])
    for (file = 1; file <= answer_files; file++) {
        faults = faults_of(cell, file, word)
        if (faults == "") break
        all = all (all == "" ? "" : "; then ") faults
    }
    conclude(sentence, faults == "" && answer_files > 0 ? "" : "got: " all " (" questions[cell_first[cell]] ")")
}

function judge_share(number,    cell, file, i, names, digit, words, missing, sentence) {
    for (cell = share_first[number]; cell <= share_last[number]; cell++)
        for (i = cell_first[cell]; i <= cell_last[cell]; i++)
            for (file = 1; file <= answer_files; file++) {
                split(result_of(file, i), words, " ")
                names[words[2]]
            }
    cell = share_first[number]
    for (i = 1; i <= 2; i++) {
        digit = "pod-" substr(cell_expected[cell], i, 1)
        if (!(digit in names)) missing = missing " " digit
    }
    sentence = cell_sentence[cell]
    sub(/[^ ]* -> /, "", sentence)
    conclude(sentence ": each endpoint has its share", missing == "" ? "" : "no answer from" missing)
}

function conclude(sentence, fault) {
    print (fault == "" ? "ok - " : "not ok - ") sentence
    if (fault == "") return
    print "    # " fault
    failures++
}
