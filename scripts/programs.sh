#!/usr/bin/env bash
# Installs the programs that tests drive, a browser and Redis, where that can be done; else those tests are skipped, and say so.
set -euo pipefail

# A Debian package, and the names under which its program may be there already.
ensure() {
  local package=$1 name
  shift
  for name in "$@"; do
    command -v "$name" >/dev/null && return
  done
  if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq && apt-get install -y -qq --no-install-recommends "$package" >/dev/null && return
  fi
  echo "no $package here and no way to install it: its tests will be skipped" >&2
}

ensure chromium chromium chromium-browser google-chrome
ensure redis-server redis-server
