"""GC-02: collection stands still at each of its six points while each of nine actions comes by; what the action is told, whether
it has to wait, and what is there in the end are the table in collection_points.txt, for both engines.

Whatever was answered with a success is there in the end, whole; and whatever was refused was refused because it was gone. A
manifest that is pushed again while its last copy goes finds its blobs, or is too late for them: there the table says "201/400".
`ASSAY_WRITE_TABLE=1` writes the table anew, to be read before it is kept."""

import collections
import concurrent.futures
import os
import pathlib
import subprocess

import pytest

from harness import oci, volume
from harness.client import Registry, as_descriptor
from harness.postgres import Cluster
from harness.server import Server, binary, environment, run_assay, wait_for

PROGRAM = binary().with_name("assay-failpoints")
TABLE = pathlib.Path(__file__).with_name("collection_points.txt")
POINTS = ("collect.taken", "collect.locked", "collect.judged", "collect.deleted", "collect.committed", "reap.object-removed")
DELAYS = ("--gc-delay", "0", "--undelete-window", "0", "--doom-delay", "0", "--gc-interval", "1h", "--pin-ttl", "1h")
SHORT = 0.4  # what an action that waits is given before it is seen to wait: it can only be seen too seldom


class Stage:
    """One server with a gate at each point, and a repository of its own for each scene."""

    def __init__(self, folder, engine, cluster):
        self.engine, self.gates = engine, {point: folder / f"gate.{point}" for point in POINTS}
        for gate in self.gates.values():
            gate.touch()
        database = ("--database", cluster.url(cluster.new_database())) if engine == "postgres" else ()
        rules = ";".join(f"{point}:pause={gate}" for point, gate in self.gates.items())
        self.server = Server(folder / "data", *DELAYS, *database, env={"ASSAY_FAILPOINTS": rules}).start()
        self.registry = Registry(self.server.url(), "admin", self.server.password)
        self.number = 0

    def scene(self):
        self.number += 1
        self.repo = f"admin/scene{self.number}"
        return self

    def command(self):
        return [str(binary()), "gc", "--now", "--data", str(self.server.data), *self.server.database]

    def collect(self):
        done = run_assay(*self.command()[1:])
        assert done.returncode == 0, done.stdout + done.stderr

    def collect_up_to(self, point):
        """A run that has come to the point and stands there."""
        passes = self.server.log().count(f"failpoint {point}: pass")
        self.gates[point].unlink()
        running = subprocess.Popen(self.command(), env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        wait_for(lambda: self.server.log().count(f"failpoint {point}: pass") > passes or running.poll() is not None)
        assert running.poll() is None, f"it never came to {point}: {running.communicate()[0]}"
        return running

    def unpinned(self):
        """What is pushed now nothing relies on."""
        self.server.admin("set", "pin-ttl", "0")

    def pinned(self):
        self.server.admin("set", "pin-ttl", "1h")

    def has_image(self, repo, image):
        """A manifest with everything that it names, or nothing of it: half of it is the one thing that may not be."""
        answer = self.registry.pull_manifest(repo, image.digest)
        if answer.status_code == 404:
            return False
        assert answer.status_code == 200 and answer.content == image.data, answer
        for blob in [image.config, *image.layers] if image.config is not None else []:
            answer = self.registry.pull_blob(repo, oci.digest(blob))
            assert answer.status_code == 200 and answer.content == blob, (image, answer)
        return True

    def has_blob(self, repo, data):
        answer = self.registry.pull_blob(repo, oci.digest(data))
        assert answer.status_code == 404 or answer.content == data, answer
        return answer.status_code == 200


# Each prepares what collection will take away, and gives the action and what is to be there when it succeeded.

def alone(stage):
    """A blob that nothing names; its digest."""
    stage.unpinned()
    data = oci.random_blob(300)
    stage.registry.push_blob(stage.repo, data)
    stage.pinned()
    return data


def head(stage):
    data = alone(stage)
    return lambda r: r.head(f"/v2/{stage.repo}/blobs/{oci.digest(data)}"), lambda: stage.has_blob(stage.repo, data)


def get(stage):
    data = alone(stage)
    return lambda r: r.get(f"/v2/{stage.repo}/blobs/{oci.digest(data)}"), lambda: stage.has_blob(stage.repo, data)


def mount(stage):
    data, target = alone(stage), stage.repo + "/target"
    return (lambda r: r.post(f"/v2/{target}/blobs/uploads/", params={"mount": oci.digest(data), "from": stage.repo}),
            lambda: stage.has_blob(target, data))


def finish(stage):
    data = alone(stage)
    location = stage.registry.start_upload(stage.repo)
    return lambda r: r.finish_upload(location, oci.digest(data), data), lambda: stage.has_blob(stage.repo, data)


def image_of(stage, config, layers):
    document = oci.manifest(oci.descriptor(config, oci.OCI_CONFIG), [oci.descriptor(layer, oci.OCI_LAYER) for layer in layers])
    return document, lambda: stage.registry.pull_manifest(stage.repo, oci.digest(oci.encode(document)))


def manifest(stage):
    """Its layer is what collection is about to take; its config is new."""
    layer, config = alone(stage), oci.random_blob(50)
    stage.registry.push_blob(stage.repo, config)
    document, _ = image_of(stage, config, [layer])

    def is_there():
        answer = stage.registry.pull_manifest(stage.repo, "new")
        if answer.status_code == 404:
            return False
        assert stage.has_blob(stage.repo, layer) and stage.has_blob(stage.repo, config), "a manifest without its blobs"
        return True
    return lambda r: r.put_manifest(stage.repo, "new", document), is_there


def untagged(stage, other=None):
    """An image that lost its tag, and some of its blobs are perhaps another's too."""
    stage.unpinned()
    image = stage.registry.push_image(stage.repo, "old", layers=2)
    if other:
        other = stage.registry.push_document(stage.repo, other, oci.manifest(
            oci.descriptor(image.config, oci.OCI_CONFIG), [oci.descriptor(image.layers[0], oci.OCI_LAYER_GZIP)],
            annotations={"another": "one"}), image.config, image.layers[:1])
    stage.collect()  # looks at the blobs, so that the manifest is what it comes to next
    assert stage.registry.delete(f"/v2/{stage.repo}/manifests/old").status_code == 202
    stage.pinned()
    return image, other


def index(stage):
    image, _ = untagged(stage)
    document = oci.index([as_descriptor(image)])

    def is_there():
        has_index = stage.registry.pull_manifest(stage.repo, "index").status_code == 200
        assert not has_index or stage.has_image(stage.repo, image), "an index without its child"
        return has_index
    return lambda r: r.put_manifest(stage.repo, "index", document), is_there


def tag(stage):
    image, _ = untagged(stage)
    return (lambda r: r.put_manifest(stage.repo, "again", image.data, image.media_type),
            lambda: stage.has_image(stage.repo, image))


def untag(stage):
    """Of another image with the same blobs, which is what shall not be there any longer."""
    _, other = untagged(stage, other="other")
    return (lambda r: r.delete(f"/v2/{stage.repo}/manifests/other"),
            lambda: not stage.has_image(stage.repo, other))


def referrer(stage):
    image, _ = untagged(stage)
    stage.registry.push_blobs(stage.repo, oci.EMPTY_JSON, b"signature")
    document = oci.manifest(oci.descriptor(oci.EMPTY_JSON, oci.OCI_EMPTY), [oci.descriptor(b"signature", "text/plain")],
                            artifactType="application/x.test", subject=as_descriptor(image))
    made = oci.encode(document)

    def is_there():
        assert stage.has_blob(stage.repo, b"signature") and stage.has_blob(stage.repo, oci.EMPTY_JSON)
        return stage.registry.pull_manifest(stage.repo, oci.digest(made)).content == made
    return lambda r: r.put_manifest(stage.repo, oci.digest(made), document), is_there


ACTIONS = (head, get, mount, finish, manifest, index, tag, untag, referrer)

Outcome = collections.namedtuple("Outcome", "engine point action waits status remains")


def read_table():
    lines = TABLE.read_text().splitlines() if TABLE.exists() else []
    rows = [Outcome(*line.split()) for line in lines if line and not line.startswith("#")]
    return {row[:3]: row for row in rows}


def is_as_in(expected, row):
    return expected is not None and all(found in wanted.split("/") for wanted, found in zip(expected, row))


def play(stage, point, action, expected):
    """One cell of the table."""
    act, is_there = action(stage.scene())
    running = stage.collect_up_to(point)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        other = Registry(stage.server.url(), "admin", stage.server.password)
        doing = pool.submit(act, other)
        # One that is to go through meanwhile has time enough; one that is to wait is looked at once.
        done, _ = concurrent.futures.wait([doing], 20 if expected and expected.waits == "runs" else SHORT)
        stage.gates[point].touch()
        answer = doing.result(60)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 0, said
    stage.collect()
    remains = is_there()
    assert remains or answer.status_code not in (200, 201), f"{point}, {action.__name__}: acknowledged and gone: {answer}"
    return Outcome(stage.engine, point, action.__name__, "runs" if done else "waits", str(answer.status_code),
                   "there" if remains else "gone")


@pytest.fixture(scope="module")
def cluster():
    own = Cluster()
    yield own
    own.stop()


@volume.limit(180)
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_every_action_at_every_point(tmp_path, engine, cluster, monkeypatch):
    monkeypatch.setenv("ASSAY_BIN", str(PROGRAM))
    stage, table, outcomes = Stage(tmp_path, engine, cluster), read_table(), []
    for point in POINTS:
        for action in ACTIONS:
            outcomes.append(play(stage, point, action, table.get((engine, point, action.__name__))))
    stage.server.stop()
    fsck = run_assay("fsck", "--rehash", *stage.server.arguments, timeout=120)
    assert fsck.returncode == 0, fsck.stdout
    if "ASSAY_WRITE_TABLE" in os.environ:
        table.update({row[:3]: row for row in outcomes})
        lines = [" ".join(f"{word:{width}}" for word, width in zip(row, (8, 19, 8, 5, 7, 10))).rstrip() for row in table.values()]
        TABLE.write_text("# engine, point, action; does it wait for collection, what is it told, is what it asks for there in the end\n"
                         + "\n".join(lines) + "\n")
    wrong = [f"{row} is {table.get(row[:3])} in the table" for row in outcomes if not is_as_in(table.get(row[:3]), row)]
    volume.report("GC-02", engine=engine, interleavings=len(outcomes), wrong=len(wrong))
    assert not wrong, "\n".join(wrong)
