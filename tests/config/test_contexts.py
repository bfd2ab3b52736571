"""Docker's context store: what the real CLI writes, and everything that may be wrong with it."""

import contextlib
import json
import os
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.harness.need import need
from tests.harness.tls import Authority
from trayd.config.contexts import Context, context_endpoint, current_context, docker_folder, read_contexts
from trayd.core.profile import ProfileError, Tls


def digest(name):
    return sha256(name.encode()).hexdigest()


@pytest.fixture
def store(tmp_path):
    """docker's folder; `put` writes one context's meta.json."""

    class Store:
        path = tmp_path / "docker"

        def folder(self, name):
            return self.path / "contexts" / "meta" / digest(name)

        def put(self, name, content, directory=""):
            folder = self.path / "contexts" / "meta" / (directory or digest(name))
            folder.mkdir(parents=True, exist_ok=True)
            data = content if isinstance(content, bytes) else json.dumps(content).encode()
            (folder / "meta.json").write_bytes(data)
            return folder / "meta.json"

        def good(self, name, host="tcp://127.0.0.1:1"):
            return self.put(name, {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": host}}})

        def read(self):
            contexts, problems = read_contexts(str(self.path))
            return [context.name for context in contexts], [str(problem) for problem in problems]

    return Store()


def docker(*arguments, **environ):
    subprocess.run(
        ["docker", *arguments], env={**os.environ, **environ}, check=True, capture_output=True, stdin=subprocess.DEVNULL
    )


def test_what_the_real_cli_writes_is_read(tmp_path):
    """A context made, changed, chosen and removed with the real `docker context` is just that for trayd."""
    need("docker", "install the docker CLI (Debian: docker.io)")
    home = Path(os.environ["HOME"])
    folder = docker_folder(os.environ, str(home))
    assert read_contexts(folder) == ((), ())
    ca = Authority(tmp_path / "certs").ca  # the CLI looks into the file
    docker("context", "create", "lab", "--docker", "host=unix:///run/lab.sock", "--description", "ünïcode")
    docker("context", "create", "office", "--docker", f"host=tcp://build.example:2376,ca={ca}")
    docker("context", "create", "loose", "--docker", "host=tcp://x:2376,skip-tls-verify=true")
    contexts, problems = read_contexts(folder)
    assert problems == ()
    assert [(c.name, c.host, c.skip_verify) for c in contexts] == [
        ("lab", "unix:///run/lab.sock", False),
        ("loose", "tcp://x:2376", True),
        ("office", "tcp://build.example:2376", False),
    ]
    tls = home / ".docker" / "contexts" / "tls" / digest("office") / "docker"
    assert [c.tls_path for c in contexts] == ["", "", str(tls)]
    assert context_endpoint(contexts[2], "linux").tls == Tls(str(tls), True)
    assert current_context(folder) == ""
    docker("context", "use", "lab")
    assert current_context(folder) == "lab"
    docker("context", "update", "lab", "--docker", "host=unix:///run/other.sock")
    assert read_contexts(folder)[0][0].host == "unix:///run/other.sock"
    docker("context", "rm", "--force", "lab")
    assert [c.name for c in read_contexts(folder)[0]] == ["loose", "office"]


def test_the_folder_is_where_docker_looks(tmp_path):
    """$DOCKER_CONFIG or ~/.docker, even without a config.json; never a folder relative to the current one."""
    assert docker_folder({"DOCKER_CONFIG": "/etc/d/"}, "/home/ann") == "/etc/d"
    assert docker_folder({}, "/home/ann") == "/home/ann/.docker"
    assert docker_folder({"DOCKER_CONFIG": "here"}, "/home/ann") == "/home/ann/.docker"
    assert docker_folder({}, "~") == ""


def test_contexts_of_the_current_folder_are_never_read(store, monkeypatch):
    """Starting trayd inside a hostile repository shows none of its contexts."""
    store.good("evil")
    monkeypatch.chdir(store.path)
    for folder in ("", ".", "~/.docker"):
        assert read_contexts(folder) == ((), ())
        assert current_context(folder) == ""


def test_tls_is_as_the_cli_has_it():
    """TLS with any TLS file or SkipTLSVerify on tcp; none on a socket; an empty host is the default engine."""
    path = f"/d/contexts/meta/{digest('x')}/meta.json"
    tls = f"/d/contexts/tls/{digest('x')}/docker"

    def endpoint(host, tls_path="", skip=False, system="linux"):
        return context_endpoint(Context("x", host, tls_path, skip, path), system)

    assert endpoint("tcp://h:1").tls is None
    assert endpoint("tcp://h:1", tls).tls == Tls(tls, True)
    assert endpoint("tcp://h:1", tls, True).tls == Tls(tls, False)
    assert endpoint("tcp://h:1", "", True).tls == Tls(tls, False)
    assert endpoint("unix:///x", tls, True).tls is None
    assert endpoint("").url == "unix:///var/run/docker.sock"
    assert endpoint("", system="windows").url == "npipe:////./pipe/docker_engine"
    with pytest.raises(ProfileError):
        endpoint("tcp://h:99999")


def test_keys_are_read_as_go_reads_them(store):
    """Case of keys, Metadata: null and endpoints of other kinds do not matter; null is the default."""
    store.put("low", {"name": "low", "endpoints": {"DOCKER": {"host": "unix:///x", "skiptlsverify": True}}})
    store.put("nul", {"Name": "nul", "Metadata": None, "Endpoints": {"docker": {"Host": None, "SkipTLSVerify": None}}})
    store.put("k8s", {"Name": "k8s", "Endpoints": {"kubernetes": {"Host": 7}, "docker": {}}})
    store.put("none", {"Name": "none"})
    store.put("only", {"Name": "only", "Endpoints": {"kubernetes": {}}})
    assert store.read() == (["k8s", "low", "nul"], [])
    assert read_contexts(str(store.path))[0][1].skip_verify


WRONG = [
    (b"", "the file is not JSON (line 1)"),
    (b'{\n"Name": "bad",,}', "the file is not JSON (line 2)"),
    (b"[" * 100_000, "the file is not JSON that can be read"),
    (b"[]", "the file holds no JSON object"),
    (b"{}", "the file says no name"),
    (b'{"Name": "b\xe4d"}', "the file is not UTF-8 text"),
    (b'{"Name": 7}', "'Name' has the wrong type"),
    (b" " * 10_000_000, "the file is too large (256 KiB at most)"),
]
WRONG_INSIDE = [
    ({"Name": "bad", "Endpoints": []}, "'Endpoints' has the wrong type"),
    ({"Name": "bad", "Endpoints": {"docker": "unix:///x"}}, "'docker' has the wrong type"),
    ({"Name": "bad", "Endpoints": {"docker": {"Host": ["unix:///x"]}}}, "'Host' has the wrong type"),
    ({"Name": "bad", "Endpoints": {"docker": {"SkipTLSVerify": "yes"}}}, "'SkipTLSVerify' has the wrong type"),
]


@pytest.mark.parametrize(("content", "told"), WRONG, ids=[told for _, told in WRONG])
def test_one_broken_file_harms_only_itself(store, content, told):
    """A broken meta.json costs one sentence, and the other contexts are there."""
    store.good("good")
    store.put("bad", content)
    assert store.read() == (["good"], [f"context {digest('bad')[:12]}…: {told}"])


@pytest.mark.parametrize(("content", "told"), WRONG_INSIDE, ids=[told for _, told in WRONG_INSIDE])
def test_a_wrong_type_is_said_with_the_contexts_name(store, content, told):
    """Where the name could be read, the sentence says which context is broken."""
    store.good("good")
    store.put("bad", content)
    assert store.read() == (["good"], [f"context bad: {told}"])


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("default", "'default' is reserved: docker does not use this file"),
        ("x", "this name is not allowed: docker would not find this context"),
        ("-rf", "this name is not allowed: docker would not find this context"),
        ("a b", "this name is not allowed: docker would not find this context"),
        ("../../etc", "this name is not allowed: docker would not find this context"),
        ("lab\n", "this name is not allowed: docker would not find this context"),
        ("e\x1b[31mvil", "this name is not allowed: docker would not find this context"),
        ("x" * 65, "the name is too long for a profile (64 characters at most)"),
    ],
)
def test_a_hostile_name_is_a_problem_not_a_profile(store, name, told):
    """A name that docker itself would not take never becomes a profile, and is shown without control characters."""
    store.good(name)
    names, (problem,) = store.read()
    assert names == []
    assert problem.endswith(told)
    assert problem.isprintable()


def test_a_folder_that_is_not_the_names_digest_is_a_problem(store):
    """docker finds a context by the SHA-256 of its name; elsewhere it may not pretend to be that context."""
    content = {"Name": "office", "Endpoints": {"docker": {"Host": "tcp://evil:1"}}}
    store.put("office", content, directory="somewhere")
    names, (problem,) = store.read()
    assert names == []
    assert problem == (
        "context office: the folder's name is not the SHA-256 of the context's: docker would not find it"
    )


def test_odd_things_in_the_store_do_not_stop_the_rest(store):
    """Files, empty folders, pipes, loops and links to nowhere cost at most a sentence each, and nothing hangs."""
    store.good("good")
    meta = store.path / "contexts" / "meta"
    (meta / "file").touch()
    (meta / "empty").mkdir()
    (meta / "loop").symlink_to(meta)
    (meta / "self").symlink_to("self")
    for name in ("pipe", "folder", "dead", "ring"):
        (meta / name).mkdir()
    os.mkfifo(meta / "pipe" / "meta.json")
    (meta / "folder" / "meta.json").mkdir()
    (meta / "dead" / "meta.json").symlink_to("nowhere")
    (meta / "ring" / "meta.json").symlink_to("meta.json")
    assert store.read() == (
        ["good"],
        [
            "context dead: the file is a link to nowhere",
            "context folder: the file cannot be read (Is a directory)",
            "context pipe: this is not a file",
            "context ring: the file cannot be read (Too many levels of symbolic links)",
        ],
    )


def test_a_store_that_is_a_loop_or_a_file_is_no_crash(store, tmp_path):
    """Where the store should be there may be anything."""
    (tmp_path / "docker").symlink_to("docker")
    (problem,) = store.read()[1]
    assert "Docker's contexts cannot be read (Too many levels of symbolic links)" in problem
    (tmp_path / "docker").unlink()
    (tmp_path / "docker").touch()
    assert store.read() == ([], [])


def test_a_context_that_others_could_have_written_is_refused(store):
    """Whoever can write a context decides where docker goes: not everybody, and no other user."""
    store.good("good")
    store.good("open").chmod(0o666)
    others = store.good("others")
    if os.getuid() == 0:
        os.chown(others, 12345, 12345)
    names, problems = store.read()
    assert names == (["good"] if os.getuid() == 0 else ["good", "others"])
    told = " ".join(problems)
    assert "everybody may write this file: chmod o-w" in told
    assert os.getuid() != 0 or "this file belongs to another user" in told


def test_the_current_context_is_none_where_config_json_is_odd(store):
    """A missing, broken or odd config.json chooses no context."""
    store.path.mkdir()
    config = store.path / "config.json"
    assert current_context(str(store.path)) == ""
    for content in (b"", b"[]", b'{"currentContext": 7}', b"\xff", b'{"auths": {}}'):
        config.write_bytes(content)
        assert current_context(str(store.path)) == ""
    config.write_text('{"CurrentContext": "lab"}')
    assert current_context(str(store.path)) == "lab"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.sampled_from(["bad", "tcp://h:1", "unix:///x"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Name", "name", "Endpoints", "docker", "Host", "SkipTLSVerify", "x"]), inner, max_size=4
        )
    ),
)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200) | json_values.map(lambda value: json.dumps(value).encode()))
def test_no_bytes_are_a_traceback(store, content):
    """Whatever stands in a meta.json, it is a context, nothing, or a sentence that can be shown."""
    store.put("bad", content)
    contexts, problems = read_contexts(str(store.path))
    assert len(contexts) + len(problems) <= 1
    for problem in problems:
        assert str(problem).isprintable()
    for context in contexts:
        with contextlib.suppress(ProfileError):
            context_endpoint(context, "linux")
