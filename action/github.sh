# shellcheck shell=bash
# What the Action asks of GitHub. To be sourced.

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

# Prints the number of our comment on the pull request, the one whose first line is MARKER; nothing if there is none.
# Comments of people are left alone even if they quote the marker.
find_comment() {
    local marker=$1 page=1 comments found
    while :; do
        comments=$(github GET "issues/$PR_NUMBER/comments?per_page=100&page=$page")
        found=$(jq --raw-output --arg marker "$marker" --arg creator "$STATUS_CREATOR" \
            '[.[] | select(.user.login == $creator and (.body | split("\n")[0] | rtrimstr("\r")) == $marker)][0].id // empty' \
            <<<"$comments")
        if [ -n "$found" ] || [ "$(jq length <<<"$comments")" -lt 100 ]; then
            printf '%s' "$found"
            return
        fi
        page=$((page + 1))
    done
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

# Sets the commit status of SHA: STATE and DESCRIPTION.
set_status() {
    local sha=$1 state=$2 description=$3 body
    body=$(jq --null-input --arg state "$state" --arg context "$STATUS_CONTEXT" --arg description "$description" \
        '{state: $state, context: $context, description: $description}')
    github POST "statuses/$sha" "$body" >/dev/null
}

# Prints the head of the pull request whose merge made SHA; nothing if no merge made it.
merged_head() {
    local sha=$1
    github GET "commits/$sha/pulls" | jq --raw-output --arg sha "$sha" \
        '[.[] | select(.merged_at != null and .merge_commit_sha == $sha)][0].head.sha // empty'
}

# Prints the digest that the workflow itself set for SHA. Only the newest status of our name by our creator counts, and
# only if it says that the plan succeeded: whoever may push can set a status too, but not under that name.
approved_digest() {
    local sha=$1
    github GET "commits/$sha/statuses?per_page=100" | jq --raw-output \
        --arg context "$STATUS_CONTEXT" --arg creator "$STATUS_CREATOR" \
        '[.[] | select(.context == $context and .creator.login == $creator)][0]
         | select(.state == "success") | .description // "" | capture("^digest (?<digest>[0-9a-f]{32}-[0-9]+([+][0-9]+)?)(,|$)").digest'
}
