# shellcheck shell=bash
# What a test script says: one line for each check, and at the end a status that is not 0 if one failed.
#
#     check SENTENCE COMMAND...           the command must succeed; what it prints is shown if it does not
#     refuse SENTENCE COMMAND...          the command must fail
#     same SENTENCE EXPECTED ACTUAL       the texts must be equal; both are shown if they are not
#     within SECONDS COMMAND...           repeats the command until it succeeds; for use with check
#     skip SENTENCE REASON                says what cannot be checked here, and why
#     finish                              the script's last command

failed_checks=0
done_checks=0

report() {
    local status=$1 sentence=$2
    done_checks=$((done_checks + 1))
    if ((status == 0)); then
        echo "ok - $sentence"
    else
        failed_checks=$((failed_checks + 1))
        echo "not ok - $sentence"
    fi
}

# Shows text from standard input as belonging to the line before.
show() { sed 's/^/    # /'; }

check() {
    local sentence=$1 status=0 output
    shift
    output=$("$@" 2>&1) || status=$?
    report "$status" "$sentence"
    ((status == 0)) || show <<<"$* ended with $status and said: $output"
}

refuse() {
    local sentence=$1 output
    shift
    if output=$("$@" 2>&1); then
        report 1 "$sentence"
        show <<<"$* succeeded and said: $output"
    else
        report 0 "$sentence"
    fi
}

same() {
    if [[ $2 == "$3" ]]; then
        report 0 "$1"
    else
        report 1 "$1"
        diff -u -L expected -L actual <(echo "$2") <(echo "$3") | show
    fi
}

within() { look_every 0.1 "$@"; }

# look_every PAUSE SECONDS COMMAND...: within, with this pause between two looks.
look_every() {
    local pause=$1 end=$((SECONDS + $2))
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS <= end)) || {
            "$@"
            return
        }
        sleep "$pause"
    done
}

skip() { echo "SKIPPED - $1: $2"; }

finish() {
    ((done_checks)) || report 1 "the script checks something"
    exit $((failed_checks > 0))
}
