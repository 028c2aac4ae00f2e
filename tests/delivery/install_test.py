"""`argocd/install.sh`: which repository Argo CD is given, what is refused, and where a token goes.

The cluster is a stand-in that takes down what kubectl is told. Git and its HTTP are real, but for
the hosts of others, which are not asked.
"""

import base64
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.git import git
from support.origin import Done, Origin, instead, script
from support.paths import INSTALL, MANIFEST, ROOT
from support.ports import free_port

TOKEN = "a-token/with+signs=="  # noqa: S105  # of no host
ROOT_FILE = MANIFEST / "kustomization.yaml"
KUBECTL = r"""
echo "$*" >> "$CLUSTER/commands"
case "$*" in
  *"get secret mlops-repository"*)
    key=${*##*data.}
    sed -n "s/^  ${key%\}}: //p" "$CLUSTER/applied" ;;
  *"get secret"*) exit 1 ;;
  *"get application"*) printf 'Synced,Healthy,Succeeded ' ;;
  *"get nodes"*) printf 10.0.0.1 ;;
  *"-f -"*) cat >> "$CLUSTER/applied"; echo --- >> "$CLUSTER/applied" ;;
  *"/dev/stdin"*) cat > "$CLUSTER/password" ;;
esac
"""


class Host(SimpleHTTPRequestHandler):
    """Git's plain HTTP: a public repository, a private one, and one that has moved."""

    def do_GET(self) -> None:
        allowed = "Basic " + base64.b64encode(f"git:{TOKEN}".encode()).decode()
        if self.path.startswith("/moved.git"):
            self.send_response(301)
            self.send_header("location", self.path.replace("moved", "public"))
            self.end_headers()
        elif self.path.startswith("/private.git") and self.headers["authorization"] != allowed:
            self.send_response(401)
            self.send_header("www-authenticate", 'Basic realm="git"')
            self.end_headers()
        else:
            super().do_GET()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("host")
    for name in ("public", "private"):
        Origin.create(folder / f"{name}.git").git("update-server-info")
    git(folder, "init", "--quiet", "--bare", "empty.git")
    git(folder / "empty.git", "update-server-info")
    for name, branches in (("other", "-M"), ("second", "-c")):
        repository = Origin.create(folder / f"{name}.git")
        repository.git("branch", branches, "develop", "main")
        repository.git("symbolic-ref", "HEAD", "refs/heads/main")
        repository.git("update-server-info")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Host, directory=folder)) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass(frozen=True)
class Laptop:
    """A clone with a name that has to be quoted, and the cluster that it installs into."""

    clone: Path
    cluster: Path
    path: str

    def install(self, remote: str | None, *arguments: str, **environment: str) -> Done:
        """Run the script with this remote `origin`."""
        git(self.clone, "config", "--replace-all", "remote.origin.url", remote or "")
        if remote is None:
            git(self.clone, "config", "--remove-section", "remote.origin")
        own = {"PATH": self.path, "HOME": str(self.cluster), "CLUSTER": str(self.cluster)}
        command = ("argocd/install.sh", *arguments)
        return subprocess.run(
            command, cwd=self.clone, env=own | environment,
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
        )  # fmt: skip

    def applied(self, kind: str) -> dict[str, Any]:
        """Return the object of this kind that was applied last."""
        objects = yaml.safe_load_all((self.cluster / "applied").read_text())
        found: dict[str, Any] = [o for o in objects if o and o["kind"] == kind][-1]
        return found

    def repository(self) -> str:
        """Return the URL that Argo CD was given."""
        url: str = self.applied("Application")["spec"]["source"]["repoURL"]
        assert self.applied("AppProject")["spec"]["sourceRepos"] in ([url], [])
        return url

    def refused(self, done: Done) -> str:
        """Return the one line of a refusal, after which the cluster is as it was."""
        assert (done.returncode, done.stdout) == (2, "")
        (line,) = done.stderr.splitlines()
        assert not (self.cluster / "applied").read_text()
        return line


@pytest.fixture
def laptop(tmp_path: Path) -> Laptop:
    clone, cluster, programs = tmp_path / "it's my (clone)", tmp_path / "cluster", tmp_path / "bin"
    shutil.copytree(ROOT / "argocd", clone / "argocd")
    shutil.copy(INSTALL, clone)
    (clone / "manifest").mkdir()
    shutil.copy(ROOT_FILE, clone / "manifest")
    git(clone, "init", "--quiet")
    cluster.mkdir()
    (cluster / "applied").touch()
    script(programs / "kubectl", KUBECTL)
    return Laptop(clone, cluster, f"{programs}:{os.environ['PATH']}")


@pytest.fixture
def elsewhere(laptop: Laptop, tmp_path: Path) -> Laptop:
    """Let hosts of others say that they have the branch, without asking them."""
    answer = (
        'case "$*" in *ls-remote*) printf "0\\trefs/heads/develop\\n"; exit;; esac\n'
        'exec "$real" "$@"'
    )
    path = instead(tmp_path / "git", "git", answer)["PATH"]
    return Laptop(laptop.clone, laptop.cluster, f"{path.partition(':')[0]}:{laptop.path}")


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://github.com/You/Repo.git", "https://github.com/You/Repo.git"),
        ("https://github.com/You/Repo", "https://github.com/You/Repo"),
        ("https://you@dev.azure.com/you/p/_git/r", "https://dev.azure.com/you/p/_git/r"),
        ("http://git.example.org:3000/you/r.git", "http://git.example.org:3000/you/r.git"),
        ("git@github.com:You/Repo.git", "https://github.com/You/Repo.git"),
        ("github.com:You/Repo.git", "https://github.com/You/Repo.git"),
        ("org-1234@github.com:You/Repo.git", "https://github.com/You/Repo.git"),
        ("git@gitlab.com:group/sub/group/r.git", "https://gitlab.com/group/sub/group/r.git"),
        ("git@git.example.org:/team/r.git", "https://git.example.org/team/r.git"),
        ("ssh://git@github.com/You/Repo.git", "https://github.com/You/Repo.git"),
        ("ssh://git@ssh.github.com:443/You/Repo.git", "https://github.com/You/Repo.git"),
        ("git@ssh.github.com:You/Repo.git", "https://github.com/You/Repo.git"),
        ("ssh://git@altssh.gitlab.com:443/you/r.git", "https://gitlab.com/you/r.git"),
        ("ssh://git@altssh.bitbucket.org:443/you/r.git", "https://bitbucket.org/you/r.git"),
        ("ssh://git@git.example.org:2222/team/r.git", "https://git.example.org/team/r.git"),
    ],
)
def test_a_remote_becomes_the_url_that_argo_cd_can_read(
    elsewhere: Laptop, remote: str, url: str
) -> None:
    done = elsewhere.install(remote)
    assert done.returncode == 0, done.stderr
    assert elsewhere.repository() == url


@pytest.mark.parametrize(
    "remote",
    ["/srv/git/r.git", "../r.git", "file:///srv/r.git", "git://example.org/r.git",
     "C:\\Users\\you\\r.git", "C:/Users/you/r.git", "ssh://github.com:You/Repo.git",
     "https://github.com", "https://github.com/You/*", "https://github.com/You/a, b",
     "codecommit::us-east-1://r"],
)  # fmt: skip
def test_a_remote_that_has_no_such_url_is_refused_by_name(laptop: Laptop, remote: str) -> None:
    line = laptop.refused(laptop.install(remote))
    assert f"'{remote}' does not say where" in line
    assert "https://HOST/OWNER/NAME.git" in line


def test_without_a_remote_the_refusal_says_what_to_set(laptop: Laptop) -> None:
    assert "set the remote origin" in laptop.refused(laptop.install(None))


def test_an_argument_goes_before_the_remote(laptop: Laptop, host: str) -> None:
    assert laptop.install("/srv/git/r.git", f"{host}/public.git").returncode == 0
    assert laptop.repository() == f"{host}/public.git"


@pytest.mark.parametrize(
    "remote",
    ["https://you:{}@github.com/You/Repo.git", "https://{}:x-oauth-basic@github.com/You/Repo.git",
     "https://you@example.org:{}@github.com/You/Repo.git", "ftp://you:{}@example.org/r.git",
     "https://example.org/r.git?private_token={}"],
)  # fmt: skip
@pytest.mark.parametrize("by", ["remote", "argument"])
def test_a_token_in_the_url_is_refused_and_shown_nowhere(
    laptop: Laptop, remote: str, by: str
) -> None:
    secret = "s3cr3t"  # noqa: S105  # of no host
    given = remote.format(secret)
    done = laptop.install(given) if by == "remote" else laptop.install(None, given)
    assert secret not in laptop.refused(done)
    commands = laptop.cluster / "commands"
    assert not commands.exists() or secret not in commands.read_text()


def test_who_is_refused_for_a_token_is_told_how_to_take_it_out(laptop: Laptop) -> None:
    line = laptop.refused(laptop.install("https://you:secret@github.com/You/Repo.git"))
    assert "`git remote set-url origin https://github.com/You/Repo.git`" in line
    assert "GIT_TOKEN" in line


def test_a_private_repository_is_read_with_a_secret_and_the_token_stands_nowhere_else(
    laptop: Laptop, host: str
) -> None:
    url = f"{host}/private.git"
    done = laptop.install(url, GIT_TOKEN=TOKEN)
    assert done.returncode == 0, done.stderr
    secret = laptop.applied("Secret")
    assert secret["metadata"]["labels"] == {"argocd.argoproj.io/secret-type": "repository"}
    assert secret["metadata"]["namespace"] == "argocd"
    assert {key: base64.b64decode(value).decode() for key, value in secret["data"].items()} == {
        "type": "git", "url": url, "username": "git", "password": TOKEN,
    }  # fmt: skip
    assert laptop.repository() == url
    shown = done.stdout + done.stderr + (laptop.cluster / "commands").read_text()
    encoded = base64.b64encode(TOKEN.encode()).decode()
    assert TOKEN not in shown
    assert encoded not in shown
    assert (laptop.cluster / "applied").read_text().count(encoded) == 1


def test_the_token_is_kept_for_the_next_time_and_for_no_other_repository(
    laptop: Laptop, host: str
) -> None:
    assert laptop.install(f"{host}/private.git", GIT_TOKEN=TOKEN).returncode == 0
    assert laptop.install(f"{host}/private.git").returncode == 0
    applied = laptop.cluster / "applied"
    applied.write_text(applied.read_text().replace("private.git", "other.git"))
    before = applied.read_text().count("kind: Secret")
    assert laptop.install(f"{host}/public.git").returncode == 0
    assert applied.read_text().count("kind: Secret") == before


@pytest.mark.parametrize(
    ("name", "token", "said"),
    [
        ("private", "", "does not exist or is private: for a private repository put a token"),
        ("private", "wrong", "does not let GIT_TOKEN read it"),
        ("private", "two\nlines", "GIT_USER or GIT_TOKEN has a blank or a line break in it"),
        ("none", "", "does not exist or is private"),
        ("moved", "", "has moved, and Argo CD does not follow: give the new URL"),
        ("empty", "", "has no branch develop: make it by `git push"),
        ("other", "", "and the default branch by `gh repo edit --default-branch develop`"),
    ],
)
def test_what_argo_cd_could_not_read_is_refused_before_anything_is_installed(
    laptop: Laptop, host: str, name: str, token: str, said: str
) -> None:
    line = laptop.refused(laptop.install(f"{host}/{name}.git", GIT_TOKEN=token))
    assert said in line
    assert token not in line or not token


def test_another_default_branch_is_told_with_the_command_that_changes_it(
    laptop: Laptop, host: str
) -> None:
    done = laptop.install(f"{host}/second.git")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("repository: the default branch is main, so GitHub offers no 'Run work")
    assert "`gh repo edit --default-branch develop`" in line


def test_a_name_that_only_ssh_knows_becomes_the_host_behind_it(
    elsewhere: Laptop, tmp_path: Path
) -> None:
    script(tmp_path / "ssh/ssh", 'echo "user git"; echo "hostname ${3#*-}.example.org"')
    git_first, _, rest = elsewhere.path.partition(":")
    there = Laptop(elsewhere.clone, elsewhere.cluster, f"{git_first}:{tmp_path}/ssh:{rest}")
    done = there.install("git@work-git:me/r.git")
    assert done.returncode == 0, done.stderr
    assert there.repository() == "https://git.example.org/me/r.git"


def test_all_is_installed_by_the_context_that_is_named(laptop: Laptop, host: str) -> None:
    done = laptop.install(f"{host}/private.git", GIT_TOKEN=TOKEN, KUBE_CONTEXT="workshop")
    assert done.returncode == 0, done.stderr
    commands = (laptop.cluster / "commands").read_text().splitlines()
    assert commands
    assert all(command.startswith("--context workshop ") for command in commands)
    typed = [line for line in done.stdout.splitlines() if "kubectl" in line]
    assert len(typed) == 3
    assert all("kubectl --context workshop -n " in line for line in typed)


def test_what_else_lets_this_machine_in_is_not_heard(laptop: Laptop, host: str) -> None:
    config = laptop.cluster / "config"
    helper = f'!f() {{ echo username=git; echo "password={TOKEN}"; }}; f'
    git(laptop.cluster, "config", "--file", config, "credential.helper", helper)
    git(laptop.cluster, "config", "--file", config, f"url.{host}/public.insteadOf", f"{host}/priv")
    script(laptop.cluster / "askpass", f"echo {TOKEN}")
    done = laptop.install(
        f"{host}/private.git",
        GIT_CONFIG_GLOBAL=str(config), GIT_ASKPASS=str(laptop.cluster / "askpass"),
    )  # fmt: skip
    assert "is private" in laptop.refused(done)


def test_a_host_that_only_the_cluster_may_reach_is_named_and_installed(laptop: Laptop) -> None:
    url = f"http://127.0.0.1:{free_port()}/r.git"
    done = laptop.install(url)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"repository: {url} does not answer here, though it may answer the ")
    assert laptop.repository() == url


def test_grafana_s_password_is_on_no_command_line(laptop: Laptop, host: str) -> None:
    assert laptop.install(f"{host}/public.git").returncode == 0
    password = (laptop.cluster / "password").read_text()
    assert len(password) == 24
    assert password not in (laptop.cluster / "commands").read_text()


@pytest.mark.parametrize("on", [False, True])
def test_argo_rollouts_comes_with_the_component_and_argo_cd_then_looks_for_its_kinds(
    laptop: Laptop, host: str, on: bool
) -> None:
    if on:
        with (laptop.clone / "manifest/kustomization.yaml").open("a") as file:
            file.write("components:\n- components/progressive-delivery\n")
    done = laptop.install(f"{host}/public.git")
    assert done.returncode == 0, done.stderr
    commands = (laptop.cluster / "commands").read_text().splitlines()
    wanted = {
        "apply -f manifest/components/progressive-delivery/install.yaml",
        "-n argocd rollout restart statefulset/argocd-application-controller",
    }
    assert wanted & set(commands) == (wanted if on else set())
