# shellcheck shell=bash
# What the Action says to GitHub's runner, which obeys lines of the log. To be sourced before anything is printed.
#
# A runner takes `::command::` at the beginning of a line and `##[command]` anywhere in it for an order, whoever wrote the
# line: a pod's name, the comment of a spec, the answer of an API. So it is told to stop listening before anything else,
# by a word that it drew at random and that nothing printed so far can know, and listens only to what is said on purpose.

# The runner reads both streams at once; only one of them has an order.
exec 2>&1

stop_listening() {
    listen=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    [ "${#listen}" -eq 32 ] || { printf 'there is no randomness on this runner\n'; exit 1; }
    printf '::stop-commands::%s\n' "$listen"
}

# The line before may have no end.
start_listening() {
    printf '\n::%s::\n' "$listen"
}

# Says TEXT as KIND: `error`, `warning` or `notice`. A word is used once, as whoever reads the log knows it from then on.
announce() {
    local kind=$1 text=$2
    text=${text//'%'/%25}
    text=${text//$'\r'/%0D}
    text=${text//$'\n'/%0A}
    start_listening
    printf '::%s title=podform::%s\n' "$kind" "$text"
    stop_listening
}

# Ends the step with an error.
fail() {
    announce error "$1"
    exit "${2:-1}"
}

stop_listening
trap start_listening EXIT
