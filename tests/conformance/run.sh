#!/bin/bash
# The OCI distribution conformance suite against a running server, plain and TLS: every category, and every optional
# check that we claim. Exit code 0: no failures (or no Go, said on one line); 1: failures; 77: the suite's module could
# not be had from the Go module proxy, so nothing was tested.
#
#   tests/conformance/run.sh                     builds the pinned suite and runs it against build/assay
#   ASSAY_BIN=…                                  another server binary
#   ASSAY_CONFORMANCE_BIN=…                      a conformance program that was built before
set -euo pipefail
cd "$(dirname "$0")/../.."

readonly MODULE=github.com/opencontainers/distribution-spec/conformance
# A commit of its main branch; the module has no released versions.
readonly VERSION=v0.0.0-20260831232431-97274622c111
readonly WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT

build_suite() {
	GOBIN=$WORK/bin go install "$MODULE@$VERSION" >"$WORK/build.log" 2>&1
}

if [ -z "${ASSAY_CONFORMANCE_BIN:-}" ]; then
	if ! command -v go >/dev/null; then
		echo "conformance: skipped: no Go on this machine"
		exit 0
	fi
	if ! build_suite; then
		sed 's/^/  /' "$WORK/build.log"
		echo "conformance: NOT RUN: the module $MODULE@$VERSION cannot be built from the Go module proxy"
		exit 77
	fi
	ASSAY_CONFORMANCE_BIN=$WORK/bin/conformance
fi

/usr/bin/python3 -B tests/conformance/run.py "$ASSAY_CONFORMANCE_BIN" "$WORK"
