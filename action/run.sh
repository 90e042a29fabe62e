#!/usr/bin/env bash
# Plans, applies or looks for drift as the inputs of action.yml say. Needs podform, curl and jq.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=action/github.sh
. "$here/github.sh"

work=$(mktemp -d "${RUNNER_TEMP:-/tmp}/podform.XXXXXX")

fail() {
    printf '::error title=podform::%s\n' "$1"
    exit "${2:-1}"
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
    podform "${common[@]}" "${more[@]}" "$@"
}

# A runner forgets its disk. Without the state every pod of the spec would be created once more.
find_state() {
    if [ "$INPUT_STATELESS" = true ]; then
        rebuild_state
        return
    fi
    [ -n "$INPUT_STATE" ] || fail "give state-path, a file on storage that outlives the job, or stateless: true"
    case $INPUT_STATE in
        /*) state=$INPUT_STATE ;;
        *) state=$PWD/$INPUT_STATE ;;
    esac
    if [ ! -f "$state" ] && [ "$INPUT_CREATE_STATE" != true ]; then
        fail "there is no state at $INPUT_STATE; give create-state: true if this is the first run"
    fi
}

# Finds the pods of the spec again by their marks. Only what the spec wants is found, so nothing can be planned for removal.
rebuild_state() {
    local code=0
    [ -z "$INPUT_STATE" ] || fail "give either state-path or stateless: true, not both"
    [ "$INPUT_COMMAND" != drift ] || fail "drift needs state-path: without a state nobody knows what was applied"
    state=$work/rebuilt.db
    podform_here state rebuild || code=$?
    [ "$code" -eq 0 ] || fail "the state could not be rebuilt: exit code $code" "$code"
    printf '::notice title=podform::%s\n' "$stateless_note"
}

stateless_note="There is no state: pods were found by their marks. What left the spec is not removed and goes on being billed; it is listed as not managed. protect counts as the file has it."

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
    comment "$work/comment.md" true || printf '::notice::%s\n' "the token may not comment; see the summary of the job"
    printf 'changes=false\n' >>"$GITHUB_OUTPUT"
}

plan() {
    local saved=$work/podform.plan code=0 changes blocked digest delta
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
    podform show "$saved" --format outputs >"$work/outputs"
    cat "$work/outputs" >>"$GITHUB_OUTPUT"
    printf 'plan_path=%s\n' "$saved" >>"$GITHUB_OUTPUT"
    changes=$(sed -n 's/^changes=//p' "$work/outputs")
    blocked=$(sed -n 's/^blocked=//p' "$work/outputs")
    digest=$(sed -n 's/^digest=//p' "$work/outputs")
    delta=$(sed -n 's/^monthly_delta=//p' "$work/outputs")

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
        if [ "$blocked" = true ]; then
            set_status "$PR_HEAD_SHA" failure "blocked, see the plan"
        else
            set_status "$PR_HEAD_SHA" success "digest $digest, $delta USD a month"
        fi
    fi
    [ "$code" -eq 0 ] || fail "the plan is blocked" "$code"
}

apply() {
    local digest=$INPUT_DIGEST head tolerance=()
    if [ -z "$digest" ]; then
        head=$(merged_head "$GITHUB_SHA")
        [ -n "$head" ] || fail "$GITHUB_SHA is not the merge of a pull request, so nobody has approved a plan for it" 6
        digest=$(approved_digest "$head")
        [ -n "$digest" ] || fail "no successful plan of $head: it has no status $STATUS_CONTEXT by $STATUS_CREATOR" 6
    fi
    [ -z "$INPUT_TOLERANCE" ] || tolerance=(--price-tolerance "$INPUT_TOLERANCE")
    printf 'digest=%s\n' "$digest" >>"$GITHUB_OUTPUT"
    podform_here apply --approved "$digest" ${tolerance[@]+"${tolerance[@]}"}
}

drift() {
    local code=0
    podform_here drift --detailed-exitcode >"$work/drift.txt" || code=$?
    cat "$work/drift.txt"
    { printf '```text\n'; cat "$work/drift.txt"; printf '```\n'; } >>"$GITHUB_STEP_SUMMARY"
    case $code in
        0) printf 'drift=false\n' >>"$GITHUB_OUTPUT" ;;
        2)
            printf 'drift=true\n' >>"$GITHUB_OUTPUT"
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
