# shellcheck shell=bash
# What the Action asks of GitHub. To be sourced after log.sh.

# Sends a request: METHOD PATH [BODY]. The token goes in by a file descriptor, where no list of processes shows it.
github() {
    local method=$1 path=$2 body=${3-}
    local arguments=(--silent --show-error --fail-with-body --max-time 30 --request "$method"
        --header "Accept: application/vnd.github+json" --header "X-GitHub-Api-Version: 2022-11-28")
    if [ -n "$body" ]; then
        arguments+=(--header "Content-Type: application/json" --data-binary @-)
    fi
    printf '%s' "$body" | curl "${arguments[@]}" \
        --header @<(printf 'Authorization: Bearer %s' "$GITHUB_TOKEN") "$GITHUB_API_URL/repos/$GITHUB_REPOSITORY/$path"
}

# More pages than this are not read; GitHub keeps a thousand statuses of a commit and name.
most_pages=100

# Prints what FILTER finds on the first page of PATH, a list, on which it finds anything; nothing if on none.
first_of() {
    local path=$1 filter=$2 page entries found
    shift 2
    for ((page = 1; page <= most_pages; page++)); do
        entries=$(github GET "$path?per_page=100&page=$page")
        found=$(jq --raw-output "$@" "$filter" <<<"$entries")
        if [ -n "$found" ] || [ "$(jq length <<<"$entries")" -lt 100 ]; then
            printf '%s' "$found"
            return
        fi
    done
}

# Prints the number of our comment on the pull request, the one whose first line is MARKER; nothing if there is none.
# Comments of people are left alone even if they quote the marker.
find_comment() {
    first_of "issues/$PR_NUMBER/comments" \
        '[.[] | select(.user.login == $creator and (.body | split("\n")[0] | rtrimstr("\r")) == $marker)][0].id // empty' \
        --arg marker "$1" --arg creator "$STATUS_CREATOR"
}

# Writes the file BODY into our comment, whose first line is its marker; makes the comment if CREATE is `true`.
comment() {
    local file=$1 create=$2 id body
    id=$(find_comment "$(head -n 1 "$file")")
    body=$(jq --null-input --rawfile body "$file" '{body: $body}')
    if [ -n "$id" ]; then
        github PATCH "issues/comments/$id" "$body" >/dev/null
    elif [ "$create" = true ]; then
        github POST "issues/$PR_NUMBER/comments" "$body" >/dev/null
    fi
}

# Sets the commit status of SHA: STATE and DESCRIPTION. It names the run that sets it, which apply asks about.
set_status() {
    local sha=$1 state=$2 description=$3 body
    body=$(jq --null-input --arg state "$state" --arg context "$STATUS_CONTEXT" --arg description "$description" \
        --arg url "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID" \
        '{state: $state, context: $context, description: $description, target_url: $url}')
    github POST "statuses/$sha" "$body" >/dev/null
}

# Prints number and head of the pull request whose merge into this branch made SHA; nothing if no such merge made it.
merged_pull() {
    local sha=$1
    github GET "commits/$sha/pulls" | jq --raw-output --arg sha "$sha" --arg base "$GITHUB_REF_NAME" \
        '[.[] | select(.merged_at != null and .merge_commit_sha == $sha and .base.ref == $base)][0]
         | select(. != null) | "\(.number) \(.head.sha)"'
}

# Prints the commit that the branch GITHUB_REF ends with at this moment; nothing if GitHub does not tell.
tip() {
    local path entry
    path=$(jq --null-input --raw-output --arg ref "${GITHUB_REF#refs/}" '$ref | split("/") | map(@uri) | join("/")')
    entry=$(github GET "git/ref/$path") || return 0
    # Something else could be named by the beginning of a name, and a hash is compared as it is spelled.
    jq --raw-output --arg ref "$GITHUB_REF" \
        'select(.ref == $ref and .object.type == "commit").object.sha | strings | select(test("^[0-9a-f]{40,64}$"))' \
        <<<"$entry" 2>/dev/null || true
}

# Prints digest and run of the newest status of our name by our creator on SHA, if it says that the plan succeeded.
#
# That alone approves nothing: the token of every workflow of the repository sets statuses under the same name, so whoever
# may push a branch can set one. `check_run` asks for more.
approved_status() {
    local sha=$1 entry
    entry=$(first_of "commits/$sha/statuses" \
        '[.[] | select(.context == $context and .creator.login == $creator)][0] | select(. != null) | tojson' \
        --arg context "$STATUS_CONTEXT" --arg creator "$STATUS_CREATOR")
    [ -n "$entry" ] || return 0
    jq --raw-output --arg runs "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/" \
        'select(.state == "success")
         | (.description // "" | capture("^digest (?<digest>[0-9a-f]{32}-[0-9]+([+][0-9]+)?)(,|$)").digest) as $digest
         | (.target_url // "" | select(startswith($runs)) | ltrimstr($runs) | select(test("^[0-9]+$"))) as $run
         | "\($digest) \($run)"' <<<"$entry"
}

# Prints why RUN did not plan DIGEST for pull request NUMBER with head SHA; nothing if it did.
#
# A run is of a workflow's file at a commit, and only the run itself can attach an artifact to itself. So the digest is
# one that the plan's workflow made of this very commit, unless that workflow is not the one of the branch.
doubt_run() {
    local run=$1 digest=$2 number=$3 sha=$4 changed plans
    github GET "actions/runs/$run" >"$work/run.json" || true
    if ! jq --exit-status --arg sha "$sha" --arg repository "$GITHUB_REPOSITORY" --arg workflow "$PLAN_WORKFLOW" \
        --arg base "$GITHUB_REF_NAME" \
        '.head_sha == $sha and .event == "pull_request" and .head_repository.full_name == $repository
         and (.path // "" | split("@")[0]) == $workflow
         and all(.pull_requests[]?; .base.ref == $base)' "$work/run.json" >/dev/null; then
        printf 'run %s is no run of %s for %s' "$run" "$PLAN_WORKFLOW" "$sha"
        return
    fi
    changed=$(first_of "pulls/$number/files" \
        '[.[] | .filename, .previous_filename // empty | select(startswith(".github/"))][0] // empty') || changed=unknown
    if [ -n "$changed" ]; then
        printf 'pull request %s changes files below .github, so its own workflow planned it' "$number"
        return
    fi
    plans=$(github GET "actions/runs/$run/artifacts?per_page=100&name=podform-$digest" |
        jq --arg name "podform-$digest" '[.artifacts[] | select(.name == $name)] | length') || plans=0
    [ "$plans" -gt 0 ] || printf 'run %s has no artifact podform-%s' "$run" "$digest"
}
