#!/bin/sh
# Makes sure that a Chromium is there for the browser tests: installs Debian's where that can be
# done without asking anybody. Without one the browser tests are skipped, and this says so; in
# continuous integration (CI=true) nothing may be skipped, so there it fails.
for name in chromium chromium-browser google-chrome google-chrome-stable; do
    if command -v "$name" >/dev/null 2>&1; then
        exit 0
    fi
done

as_root=""
if [ "$(id -u)" -ne 0 ]; then
    as_root="sudo -n"
fi
if command -v apt-get >/dev/null 2>&1 && { [ -z "$as_root" ] || $as_root true 2>/dev/null; }; then
    echo "Installing Chromium for the browser tests ..."
    export DEBIAN_FRONTEND=noninteractive
    if $as_root apt-get update -qq && $as_root apt-get install -y -qq chromium >/dev/null; then
        exit 0
    fi
fi

echo "No Chromium found, and it could not be installed: the tests in tests/browser are SKIPPED."
echo "Install it (Debian: apt-get install chromium) to run them."
[ "${CI:-}" != "true" ]
