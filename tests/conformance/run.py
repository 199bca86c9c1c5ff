"""Starts a server and runs the conformance program on its plain and its TLS listener, every check on."""

import os
import pathlib
import subprocess
import sys
import xml.etree.ElementTree

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

from harness.client import Registry  # noqa: E402
from harness.server import ADMIN_PASSWORD, Server  # noqa: E402

# Everything that the suite can ask for and we promise. Sparse manifests are refused on purpose: a manifest that is
# visible has all its children.
CHECKS = {f"OCI_API_{name}": "true" for name in (
    "PING", "PULL", "PUSH", "BLOBS_ATOMIC", "BLOBS_DELETE", "BLOBS_DIGEST_HEADER", "BLOBS_MOUNT_ANONYMOUS",
    "BLOBS_UPLOAD_CANCEL", "MANIFESTS_ATOMIC", "MANIFESTS_DELETE", "MANIFESTS_DIGEST_HEADER", "MANIFESTS_TAG_PARAM",
    "TAGS_ATOMIC", "TAGS_DELETE", "TAGS_LIST", "REFERRER")}
CHECKS |= {f"OCI_DATA_{name}": "true" for name in (
    "IMAGE", "INDEX", "INDEX_LIST", "ARTIFACT", "SUBJECT", "SUBJECT_MISSING", "ARTIFACT_LIST", "SUBJECT_LIST",
    "DATA_FIELD", "NONDISTRIBUTABLE", "CUSTOM_FIELDS", "NO_LAYERS", "EMPTY_BLOB", "SHA512")}
CHECKS["OCI_DATA_SPARSE"] = "false"


def run_suite(program, server, scheme, ca_file, results):
    """Runs all checks on one listener; returns the counts of its own report."""
    environment = os.environ | CHECKS | {
        "OCI_VERSION": "1.1+dev", "OCI_REGISTRY": server.netloc(scheme), "OCI_RESULTS_DIR": str(results),
        "OCI_TLS": "enabled" if scheme == "https" else "disabled", "OCI_REPO1": "admin/conformance",
        "OCI_REPO2": "admin/conformance-two", "OCI_USERNAME": "admin", "OCI_PASSWORD": ADMIN_PASSWORD,
        "SSL_CERT_FILE": str(ca_file)}
    done = subprocess.run([program], env=environment, cwd=results, capture_output=True, text=True, timeout=600)
    print(done.stdout[-12_000:], done.stderr[-4_000:], sep="\n")
    report = xml.etree.ElementTree.parse(next(results.rglob("junit.xml"))).getroot()
    counts = {name: int(report.get(name, 0)) for name in ("tests", "failures", "errors", "skipped", "disabled")}
    print(f"conformance over {scheme}: {counts}")
    return done.returncode == 0 and counts["tests"] > 0 and not counts["failures"] and not counts["errors"], counts


def main(program, work):
    work, passed = pathlib.Path(work), True
    total = {"passed": 0, "failed": 0}
    with Server(work / "data", https="127.0.0.1:0") as server:
        ca_file = work / "ca.pem"
        ca_file.write_bytes(Registry(server.url()).get("/ca").content)
        for scheme in ("http", "https"):
            results = work / scheme
            results.mkdir()
            good, counts = run_suite(program, server, scheme, ca_file, results)
            failed = counts["failures"] + counts["errors"]
            total["failed"] += failed
            total["passed"] += counts["tests"] - failed - counts["skipped"] - counts["disabled"]
            passed = passed and good
    print(f"conformance: {total['passed']} passed, {total['failed']} failed")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
