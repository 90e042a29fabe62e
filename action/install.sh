#!/usr/bin/env bash
# Makes sure that there is a podform: the one on the PATH, or else one that cargo builds from the sources of this Action,
# which are those of the tag or commit that `uses:` names. Nothing else is downloaded but the crates of its Cargo.lock.
set -euo pipefail

if found=$(command -v podform); then
    printf 'using %s, %s\n' "$found" "$(podform --version)"
    exit 0
fi
if ! command -v cargo >/dev/null; then
    printf '::error title=podform::%s\n' "neither podform nor cargo is on the PATH of this runner: install one of them"
    exit 1
fi
printf '::notice title=podform::%s\n' \
    "podform is not on the PATH, so cargo builds it from $GITHUB_ACTION_PATH; that takes minutes in each job, a podform on the runner none"
cargo install --locked --path "$GITHUB_ACTION_PATH"
