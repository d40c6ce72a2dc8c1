#!/usr/bin/env bash
# Installs the browser that the tests of the page drive, where that can be done; else those tests are skipped, and say so.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
  command -v "$name" >/dev/null && exit 0
done
if command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null && exit 0
fi
echo "no Chromium here and no way to install it: the tests of the page will be skipped" >&2
