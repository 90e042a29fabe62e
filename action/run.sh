#!/usr/bin/env bash
# Plans, applies or looks for drift as the inputs of action.yml say. Needs curl, jq, and the podform at the path PODFORM.
set -euo pipefail
# What fails inside `$(...)` ends the step as well: a question that GitHub did not answer is no answer.
shopt -s inherit_errexit
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=action/log.sh
. "$here/log.sh"
# shellcheck source=action/github.sh
. "$here/github.sh"

# A spec can name a variable of the environment as a secret of a pod. So podform's has nothing that only the job needs: the
# token, the inputs, what the runner's own services are asked with, and the files that steps talk to the runner by.
keep_from_children() {
    local name
    for name in $(compgen -e); do
        case $name in
            INPUT_* | ACTIONS_* | GITHUB_TOKEN | GH_TOKEN | GITHUB_OUTPUT | GITHUB_ENV | GITHUB_PATH | GITHUB_STATE | \
                GITHUB_STEP_SUMMARY | STATUS_* | PR_* | PODFORM | PLAN_WORKFLOW)
                export -n "${name?}"
                ;;
        esac
    done
}
keep_from_children

work=$(mktemp -d "${RUNNER_TEMP:-/tmp}/podform.XXXXXX")

# Sets an output of the step. A value with a line break would be two outputs.
output() {
    local name=$1 value=$2
    case $value in
        *[$'\n\r']*) fail "the output $name has a line break" ;;
    esac
    printf '%s=%s\n' "$name" "$value" >>"$GITHUB_OUTPUT"
}

# Prints FLAG and a value for each line of TEXT, each ended by a zero byte.
flags() {
    local flag=$1 text=$2 line
    while IFS= read -r line; do
        line=${line%$'\r'}
        [ -z "$line" ] || printf '%s\0%s\0' "$flag" "$line"
    done <<<"$text"
}

# Runs podform where the spec is, with the flags that all commands take.
podform_here() {
    local common=(-C "$INPUT_DIRECTORY" --state "$state" --color never) more
    mapfile -d '' -t more < <(flags -f "$INPUT_FILES" && flags --var "$INPUT_VARS" && flags --profile "$INPUT_PROFILES")
    "$PODFORM" "${common[@]}" "${more[@]}" "$@"
}

# A runner forgets its disk. Without the state every pod of the spec would be created once more.
find_state() {
    if [ "$INPUT_STATELESS" = true ]; then
        rebuild_state
        return
    fi
    if [ -n "$INPUT_STATE_URL" ]; then
        [ -z "$INPUT_STATE" ] || fail "give either state-path or state-url, not both"
        case $INPUT_STATE_URL in
            *://*) state=$INPUT_STATE_URL ;;
            *) fail "state-url is a URL, such as s3://BUCKET/PREFIX; a file is given with state-path" ;;
        esac
        # A wrong prefix shows an empty state; then what is there carries marks, and podform plans nothing.
        return
    fi
    [ -n "$INPUT_STATE" ] ||
        fail "give state-url, state-path with a file on storage that outlives the job, or stateless: true"
    case $INPUT_STATE in
        /*) state=$INPUT_STATE ;;
        *) state=$PWD/$INPUT_STATE ;;
    esac
    if [ ! -f "$state" ] && [ "$INPUT_CREATE_STATE" != true ]; then
        fail "there is no state at $INPUT_STATE; give create-state: true if this is the first run"
    fi
}

# Finds all objects of the project again by their marks, those that left the spec too.
rebuild_state() {
    local code=0
    [ -z "$INPUT_STATE$INPUT_STATE_URL" ] || fail "give either a state or stateless: true, not both"
    [ "$INPUT_COMMAND" != drift ] || fail "drift needs a state: without a state nobody knows what was applied"
    state=$work/rebuilt.db
    podform_here state rebuild --stateless || code=$?
    [ "$code" -eq 0 ] || fail "the state could not be rebuilt: exit code $code" "$code"
    announce notice "$stateless_note"
}

stateless_note="There is no state: pods were found by their marks. What left the spec and holds data is held until removed: names it; everything else that left it is planned for removal."

is_fork() {
    [ -n "${PR_NUMBER:-}" ] && [ "$PR_HEAD_REPOSITORY" != "$GITHUB_REPOSITORY" ]
}

# Says on the pull request of a fork why there is no plan. The token of a fork's own run may not write comments; then the
# summary of the job has to do.
explain_fork() {
    cat >"$work/comment.md" <<'TEXT'
<!-- podform-fork -->
**No plan.** This pull request comes from a fork. A plan reads the account with the repository's key, and a fork could
change the spec or the workflow to get at it. Somebody who may push can plan it: push the branch to this repository.
TEXT
    cat "$work/comment.md" >>"$GITHUB_STEP_SUMMARY"
    comment "$work/comment.md" true || announce notice "the token may not comment; see the summary of the job"
    output changes false
}

plan() {
    local saved=$work/podform.plan code=0 name value changes blocked digest delta busy
    podform_here plan -o "$saved" --format markdown >"$work/comment.md" || code=$?
    case $code in
        0 | 4) ;;
        *)
            [ -z "${PR_NUMBER:-}" ] || set_status "$PR_HEAD_SHA" error "plan failed with exit code $code"
            fail "plan failed with exit code $code" "$code"
            ;;
    esac
    [ "$INPUT_STATELESS" != true ] || printf '\n> [!NOTE]\n> %s\n' "$stateless_note" >>"$work/comment.md"
    cat "$work/comment.md" >>"$GITHUB_STEP_SUMMARY"
    "$PODFORM" show "$saved" --format outputs >"$work/outputs"
    while IFS='=' read -r name value; do
        output "$name" "$value"
    done <"$work/outputs"
    output plan_path "$saved"
    changes=$(sed -n 's/^changes=//p' "$work/outputs")
    blocked=$(sed -n 's/^blocked=//p' "$work/outputs")
    digest=$(sed -n 's/^digest=//p' "$work/outputs")
    delta=$(sed -n 's/^monthly_delta=//p' "$work/outputs")
    busy=$(sed -n 's/^in_progress=//p' "$work/outputs")

    if [ -n "${PR_NUMBER:-}" ]; then
        case $INPUT_COMMENT in
            always) comment "$work/comment.md" true ;;
            changes)
                # Without changes no comment is made, but one of an earlier push must not go on saying what no longer holds.
                if [ "$changes" = true ] || [ "$blocked" = true ]; then
                    comment "$work/comment.md" true
                else
                    comment "$work/comment.md" false
                fi
                ;;
            never) ;;
            *) fail "comment is one of always, changes and never, not $INPUT_COMMENT" 3 ;;
        esac
        if [ "$busy" = true ]; then
            # Nothing is wrong with the plan; it is only too early to approve one.
            set_status "$PR_HEAD_SHA" pending "an apply is in progress, plan again when it has ended"
        elif [ "$blocked" = true ]; then
            set_status "$PR_HEAD_SHA" failure "blocked, see the plan"
        else
            set_status "$PR_HEAD_SHA" success "digest $digest, $delta USD a month"
        fi
    fi
    if [ "$busy" = true ]; then
        announce notice "an apply is in progress: the plan holds what it works on"
        return
    fi
    [ "$code" -eq 0 ] || fail "the plan is blocked" "$code"
}

# Prints the digest that was approved for the merge that is applied, and asks GitHub whether the plan's workflow made it.
approved_digest() {
    local number head digest run doubt
    read -r number head < <(merged_pull "$GITHUB_SHA") ||
        fail "$GITHUB_SHA is not the merge of a pull request into $GITHUB_REF_NAME, so nobody has approved a plan for it" 6
    read -r digest run < <(approved_status "$head") ||
        fail "no successful plan of $head: it has no status $STATUS_CONTEXT by $STATUS_CREATOR that names its run" 6
    doubt=$(doubt_run "$run" "$digest" "$number" "$head")
    [ -z "$doubt" ] || fail "the plan of $head is in doubt: $doubt; give digest after you have read a plan" 6
    approved=$digest
}

# Ends the step unless the commit is the tip of its branch. A state knows which commit was applied last; without one nothing
# but the branch tells that what was approved has not been followed by something else, such as its removal.
#
# `accept-commit` does not lift it: it would stand in the old job as well, and after a reset its commit is the tip.
require_tip() {
    local last why="without a state only the tip of a branch is applied, as nobody else knows what came later"
    case ${GITHUB_REF:-} in
        refs/heads/?*) ;;
        *) fail "${GITHUB_REF:-the commit} is no branch: $why" 6 ;;
    esac
    last=$(tip)
    [ -n "$last" ] || fail "GitHub does not tell the tip of $GITHUB_REF_NAME (the job needs \`contents: read\`): $why" 6
    [ "$last" = "$GITHUB_SHA" ] ||
        fail "$GITHUB_SHA is not the tip of $GITHUB_REF_NAME, $last is: $why; plan the tip and run apply there with its digest" 6
}

apply() {
    local approved=$INPUT_DIGEST flags=()
    [ -n "$approved" ] || approved_digest
    [[ $approved =~ ^[0-9a-f]{32}-[0-9]+(\+[0-9]+)?$ ]] || fail "digest is what a plan ends with, such as 32 digits, a dash and an amount" 3
    [ -z "$INPUT_TOLERANCE" ] || flags+=(--price-tolerance "$INPUT_TOLERANCE")
    [ "$INPUT_ACCEPT_COMMIT" != true ] || flags+=(--accept-commit)
    if [ "${GITHUB_REF_PROTECTED:-}" != true ]; then
        announce warning "$GITHUB_REF_NAME has no protection: whoever may push can change what is applied, and this workflow"
    fi
    # As late as possible: what is pushed after this moment finds what this run makes.
    [ "$INPUT_STATELESS" != true ] || require_tip
    output digest "$approved"
    podform_here apply --approved "$approved" ${flags[@]+"${flags[@]}"}
}

drift() {
    local code=0
    podform_here drift --detailed-exitcode >"$work/drift.txt" || code=$?
    cat "$work/drift.txt"
    { printf '```text\n'; cat "$work/drift.txt"; printf '```\n'; } >>"$GITHUB_STEP_SUMMARY"
    case $code in
        0) output drift false ;;
        2)
            output drift true
            fail "somebody changed pods outside of podform" 2
            ;;
        *) fail "drift failed with exit code $code" "$code" ;;
    esac
}

case $INPUT_COMMAND in
    plan)
        if is_fork; then explain_fork; else find_state; plan; fi
        ;;
    apply) find_state; apply ;;
    drift) find_state; drift ;;
    *) fail "command is one of plan, apply and drift, not $INPUT_COMMAND" 3 ;;
esac
