#!/usr/bin/env bash
# Gets a podform and sets its path as output `path`: the one that the input `podform-path` names, or else one
# that cargo builds from the sources of this Action, which are those of the tag or commit that `uses:` names. Nothing else
# is downloaded but the crates of its Cargo.lock. The PATH is not searched for podform: on a runner that several jobs
# share, whoever ran a job there before could have put one into it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=action/log.sh
. "$here/log.sh"

found=$INPUT_PODFORM_PATH
if [ -n "$found" ]; then
    case $found in
        /*) ;;
        *) fail "podform-path is an absolute path, not $found" 3 ;;
    esac
    [ -x "$found" ] || fail "there is no podform at $found"
else
    command -v cargo >/dev/null || fail "cargo, which builds podform, is not on the PATH of this runner: install it, or give podform-path"
    announce notice "cargo builds podform from $GITHUB_ACTION_PATH; that takes minutes in each job, podform-path none"
    root=$(mktemp -d "$RUNNER_TEMP/podform-built.XXXXXX")
    cargo install --locked --path "$GITHUB_ACTION_PATH" --root "$root"
    found=$root/bin/podform
fi
printf 'using %s, %s\n' "$found" "$("$found" --version)"
case $found in
    *[$'\n\r']*) fail "podform-path has a line break" 3 ;;
esac
printf 'path=%s\n' "$found" >>"$GITHUB_OUTPUT"
