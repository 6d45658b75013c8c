//! The table of hostile changes: what an agent does to its own repository.

use std::os::unix::fs::symlink;

use super::Plain::{Quiet, Runs};
use super::Work::{Dirty, Lands, Refused};
use super::*;

pub(super) const fn case(name: &'static str, work: Work, plain: Plain, change: fn(&Scene)) -> Case {
    Case { name, work, plain, change }
}

const HOOKS: [&str; 17] = [
    "applypatch-msg",
    "commit-msg",
    "fsmonitor-watchman",
    "post-checkout",
    "post-commit",
    "post-index-change",
    "post-merge",
    "post-rewrite",
    "pre-auto-gc",
    "pre-commit",
    "pre-merge-commit",
    "pre-push",
    "pre-rebase",
    "prepare-commit-msg",
    "push-to-checkout",
    "reference-transaction",
    "update",
];

fn hooks(scene: &Scene, folder: &Utf8Path) {
    std::fs::create_dir_all(folder).unwrap();
    for hook in HOOKS {
        std::fs::copy(&scene.program, folder.join(hook)).unwrap();
    }
}

/// Commits what says that every file has an attribute.
pub(super) fn attribute(scene: &Scene, text: &str) {
    scene.commit(&[(".gitattributes", &format!("* {text}\n"))]);
}

/// A remote at this address.
fn remote(scene: &Scene, url: &str) {
    scene.config("remote.origin.url", url);
    scene.config("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*");
}

fn filters(scene: &Scene, kinds: &[&str]) {
    for kind in kinds {
        scene.config(&format!("filter.evil.{kind}"), &scene.program);
    }
    scene.config("filter.evil.required", "true");
    // What the files' times say is not believed then.
    scene.write("folder/b", "1\n");
}

/// A repository in the working copy whose own settings name the program.
pub(super) fn nested(scene: &Scene, path: &str) {
    let folder = scene.tree.join(path);
    std::fs::create_dir_all(&folder).unwrap();
    git_in(&folder, &["init", "--quiet"]);
    commit_in(&folder, &[("inner", "1\n")]);
    git_in(&folder, &["config", "core.fsmonitor", &scene.program]);
    hooks(scene, &folder.join(".git/hooks"));
}

/// Settings of the attempt's own repository.
pub(super) const SETTINGS: &[Case] = &[
    case("hooks", Lands, Runs, |s| hooks(s, &s.tree.join(".git/hooks"))),
    case("core.hooksPath", Lands, Runs, |s| {
        hooks(s, &s.repo.root.join("elsewhere"));
        s.config("core.hooksPath", s.repo.root.join("elsewhere").as_str());
    }),
    case("core.fsmonitor", Lands, Runs, |s| s.config("core.fsmonitor", &s.program)),
    case("filter.clean, by info/attributes", Lands, Runs, |s| {
        s.write(".git/info/attributes", "* filter=evil\n");
        filters(s, &["clean", "smudge"]);
    }),
    case("filter.clean and smudge, by .gitattributes", Lands, Runs, |s| {
        attribute(s, "filter=evil");
        filters(s, &["clean", "smudge"]);
    }),
    case("filter.process", Lands, Runs, |s| {
        attribute(s, "filter=evil");
        filters(s, &["process"]);
    }),
    case("filter by core.attributesFile", Lands, Runs, |s| {
        s.config("core.attributesFile", s.repo.root.join("attributes").as_str());
        std::fs::write(s.repo.root.join("attributes"), "* filter=evil\n").unwrap();
        filters(s, &["clean", "smudge"]);
    }),
    case("diff.external", Lands, Runs, |s| s.config("diff.external", &s.program)),
    case("diff.evil.command", Lands, Runs, |s| {
        attribute(s, "diff=evil");
        s.config("diff.evil.command", &s.program);
    }),
    case("diff.evil.textconv", Lands, Runs, |s| {
        attribute(s, "diff=evil");
        s.config("diff.evil.textconv", &s.program);
    }),
    case("merge.evil.driver", Lands, Runs, |s| {
        attribute(s, "merge=evil");
        s.config("merge.evil.driver", &s.program);
    }),
    case("merge.default", Lands, Runs, |s| {
        s.config("merge.evil.driver", &s.program);
        s.config("merge.default", "evil");
    }),
    case("difftool", Lands, Runs, |s| {
        s.config("difftool.evil.cmd", &s.program);
    }),
    case("core.sshCommand", Lands, Runs, |s| {
        s.config("core.sshCommand", &s.program);
        remote(s, "ssh://localhost/x");
    }),
    case("core.gitProxy", Lands, Runs, |s| {
        s.config("core.gitProxy", &s.program);
        remote(s, "git://localhost/x");
    }),
    case("remote.uploadpack and receivepack", Lands, Runs, |s| {
        remote(s, s.repo.web.as_str());
        s.config("remote.origin.uploadpack", &s.program);
        s.config("remote.origin.receivepack", &s.program);
    }),
    case("url.ext::.insteadOf", Lands, Runs, |s| {
        s.config("protocol.ext.allow", "always");
        s.config(&format!("url.ext::{} .insteadOf", s.program), "https://example.org/");
        remote(s, "https://example.org/x");
    }),
    case("a remote that is a program", Lands, Runs, |s| {
        s.config("protocol.ext.allow", "always");
        remote(s, &format!("ext::{}", s.program));
    }),
    case("uploadpack.packObjectsHook", Lands, Quiet, |s| {
        s.config("uploadpack.packObjectsHook", &s.program);
        remote(s, ".");
    }),
    case("core.alternateRefsCommand", Lands, Quiet, |s| s.config("core.alternateRefsCommand", &s.program)),
    // Only where there is a terminal.
    case("core.pager", Lands, Quiet, |s| {
        s.config("core.pager", &s.program);
        s.config("pager.status", &s.program);
    }),
    case("core.editor", Lands, Runs, |s| s.config("core.editor", &s.program)),
    case("sequence.editor", Lands, Runs, |s| s.config("sequence.editor", &s.program)),
    case("gpg.program", Lands, Runs, |s| {
        s.config("gpg.program", &s.program);
        s.config("commit.gpgSign", "true");
    }),
    case("gpg.ssh.program", Lands, Runs, |s| {
        for (key, value) in [("gpg.format", "ssh"), ("commit.gpgSign", "true"), ("user.signingKey", "key::ssh-rsa x")] {
            s.config(key, value);
        }
        s.config("gpg.ssh.program", &s.program);
    }),
    case("credential.helper", Lands, Runs, |s| s.config("credential.helper", &s.program)),
    case("core.askPass", Lands, Runs, |s| s.config("core.askPass", &s.program)),
    case("include.path", Lands, Runs, |s| {
        s.write(".git/more", &format!("[core]\n\tfsmonitor = {}\n", s.program));
        s.config("include.path", "more");
    }),
    case("includeIf.gitdir", Lands, Runs, |s| {
        s.write(".git/more", &format!("[core]\n\tfsmonitor = {}\n", s.program));
        s.config("includeIf.gitdir:/**.path", "more");
    }),
    case("alias", Lands, Runs, |s| s.config("alias.st", &format!("!{}", s.program))),
    case("trailer.command", Lands, Runs, |s| s.config("trailer.evil.cmd", &s.program)),
    case("submodule.update", Lands, Quiet, |s| {
        s.config("submodule.recurse", "true");
        s.config("submodule.sub.update", &format!("!{}", s.program));
    }),
    case("gc.auto with a hook", Lands, Runs, |s| {
        s.config("gc.auto", "1");
        hooks(s, &s.tree.join(".git/hooks"));
    }),
    case("core.worktree", Lands, Quiet, |s| s.config("core.worktree", s.repo.root.as_str())),
    case("core.bare", Lands, Quiet, |s| s.config("core.bare", "true")),
    case("an extension that no git knows", Lands, Quiet, |s| {
        s.write(".git/config", "[core]\n\trepositoryformatversion = 1\n[extensions]\n\tevil = true\n");
    }),
    case("settings that cannot be read", Lands, Quiet, |s| s.write(".git/config", "[core\n\0")),
    case("extensions.worktreeConfig", Lands, Runs, |s| {
        s.config("extensions.worktreeConfig", "true");
        s.write(".git/config.worktree", &format!("[core]\n\tfsmonitor = {}\n", s.program));
    }),
    case("settings that hide what is not committed", Dirty("left"), Quiet, |s| {
        s.config("core.excludesFile", s.repo.root.join("ignored").as_str());
        std::fs::write(s.repo.root.join("ignored"), "left\n").unwrap();
        s.config("status.showUntrackedFiles", "no");
        s.write("left", "");
    }),
    case("info/exclude that hides what is not committed", Dirty("left"), Quiet, |s| {
        s.write(".git/info/exclude", "left\n");
        s.write("left", "");
    }),
];

/// Files of the attempt's own repository.
pub(super) const FILES: &[Case] = &[
    case(".git is a file that points elsewhere", Refused("no folder"), Runs, |s| {
        let other = s.repo.root.join("other");
        std::fs::rename(s.tree.join(".git"), &other).unwrap();
        s.write(".git", &format!("gitdir: {other}\n"));
        s.config("core.fsmonitor", &s.program);
    }),
    case(".git is a symbolic link", Refused("symbolic link"), Runs, |s| {
        let other = s.repo.root.join("other");
        std::fs::rename(s.tree.join(".git"), &other).unwrap();
        symlink(&other, s.tree.join(".git")).unwrap();
        s.config("core.fsmonitor", &s.program);
    }),
    case(".git is the user's", Refused("symbolic link"), Quiet, |s| {
        std::fs::remove_dir_all(s.tree.join(".git")).unwrap();
        symlink(s.repo.web.join(".git"), s.tree.join(".git")).unwrap();
    }),
    case(".git is not there", Refused("not there"), Quiet, |s| std::fs::remove_dir_all(s.tree.join(".git")).unwrap()),
    case("HEAD is not there", Refused("not there"), Quiet, |s| std::fs::remove_file(s.tree.join(".git/HEAD")).unwrap()),
    case("HEAD is a symbolic link", Refused("symbolic link"), Quiet, |s| {
        std::fs::rename(s.tree.join(".git/HEAD"), s.repo.root.join("HEAD")).unwrap();
        symlink(s.repo.root.join("HEAD"), s.tree.join(".git/HEAD")).unwrap();
    }),
    case("HEAD is a symbolic link to itself", Refused("symbolic link"), Quiet, |s| {
        std::fs::remove_file(s.tree.join(".git/HEAD")).unwrap();
        symlink("HEAD", s.tree.join(".git/HEAD")).unwrap();
    }),
    case("HEAD is a pipe", Refused("no plain file"), Quiet, |s| {
        std::fs::remove_file(s.tree.join(".git/HEAD")).unwrap();
        nix::unistd::mkfifo(s.tree.join(".git/HEAD").as_std_path(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    }),
    case("HEAD is 10 MB", Refused("larger than"), Quiet, |s| s.write(".git/HEAD", &"a".repeat(10_000_000))),
    case("HEAD leads out of .git", Refused("no reference"), Quiet, |s| {
        std::fs::write(s.tree.join("../x"), format!("{}\n", s.base)).unwrap();
        s.write(".git/HEAD", "ref: ../../x\n");
    }),
    case("HEAD leads out of refs", Refused("no reference"), Quiet, |s| {
        s.write(".git/HEAD", "ref: refs/heads/../../../../x\n");
    }),
    case("HEAD names no reference", Refused("neither"), Quiet, |s| s.write(".git/HEAD", "HEAD\n--all\n")),
    case("HEAD names another name for a commit", Refused("neither"), Quiet, |s| s.write(".git/HEAD", "main\n")),
    case("HEAD leads to itself", Refused("too many"), Quiet, |s| {
        s.write(".git/HEAD", "ref: refs/heads/x\n");
        s.write(".git/refs/heads/x", "ref: refs/heads/x\n");
    }),
    case("HEAD leads through a folder that is a symbolic link", Refused("symbolic link"), Quiet, |s| {
        std::fs::create_dir_all(s.repo.root.join("refs")).unwrap();
        std::fs::write(s.repo.root.join("refs/x"), format!("{}\n", s.base)).unwrap();
        symlink(s.repo.root.join("refs"), s.tree.join(".git/refs/heads/out")).unwrap();
        s.write(".git/HEAD", "ref: refs/heads/out/x\n");
    }),
    case("HEAD stands at a file", Refused("does not stand at a commit"), Quiet, |s| {
        let blob = s.run(&["rev-parse", "HEAD:work"]);
        s.write(".git/HEAD", &format!("{blob}\n"));
    }),
    case("HEAD stands at what is not there", Refused(""), Quiet, |s| {
        s.write(".git/HEAD", "0123456789012345678901234567890123456789\n");
    }),
    case("the references are in another form", Refused("no reference"), Quiet, |s| {
        std::fs::remove_dir_all(s.tree.join(".git/logs")).unwrap();
        s.run(&["refs", "migrate", "--ref-format=reftable"]);
    }),
    case("HEAD stands on a branch that is packed", Lands, Quiet, |s| {
        s.run(&["checkout", "--quiet", "-b", "feature/x"]);
        s.run(&["pack-refs", "--all", "--prune"]);
    }),
    case("everything is packed and collected", Lands, Quiet, |s| {
        s.run(&["gc", "--quiet", "--prune=now"]);
    }),
    case("replaced commits", Lands, Quiet, |s| {
        s.run(&["replace", "HEAD", "side"]);
    }),
    case("grafts", Lands, Quiet, |s| {
        let head = s.run(&["rev-parse", "HEAD"]);
        s.write(".git/info/grafts", &format!("{head}\n"));
    }),
    case("a cut history", Lands, Quiet, |s| {
        let head = s.run(&["rev-parse", "HEAD"]);
        s.write(".git/shallow", &format!("{head}\n"));
    }),
    case("commondir", Lands, Quiet, |s| s.write(".git/commondir", "../../../web/.git\n")),
    case("worktrees", Lands, Quiet, |s| {
        s.write(".git/worktrees/x/gitdir", &format!("{}/.git\n", s.repo.web));
        s.write(".git/worktrees/x/HEAD", "ref: refs/heads/main\n");
        s.write(".git/worktrees/x/commondir", "../..\n");
    }),
    case("locks", Lands, Quiet, |s| {
        for lock in ["index.lock", "HEAD.lock", "config.lock", "packed-refs.lock"] {
            s.write(&format!(".git/{lock}"), "");
        }
    }),
    case("an index that is none", Lands, Quiet, |s| s.write(".git/index", "DIRC\0\0\0\u{1}")),
    case("a split index", Lands, Quiet, |s| {
        s.run(&["update-index", "--split-index"]);
    }),
    case("files that the index says are unchanged", Dirty("a"), Quiet, |s| {
        s.run(&["update-index", "--assume-unchanged", "a"]);
        s.run(&["update-index", "--skip-worktree", "folder/b"]);
        s.write("a", "changed\n");
        s.write("folder/b", "changed\n");
    }),
    case("files left out by a sparse checkout", Dirty("folder/b"), Quiet, |s| {
        s.run(&["sparse-checkout", "set", "--no-cone", "/a", "/work"]);
    }),
    case("what is staged only", Dirty("staged"), Quiet, |s| {
        s.write("staged", "");
        s.run(&["add", "staged"]);
    }),
    case("objects in a planted store", Refused(""), Quiet, |s| {
        let store = s.repo.root.join("store");
        std::fs::rename(s.tree.join(".git/objects"), &store).unwrap();
        s.write(".git/objects/info/alternates", &format!("{store}\n"));
    }),
    case("alternates that lead to themselves", Lands, Quiet, |s| {
        s.write(".git/objects/info/alternates", &format!("{}/.git/objects\n/dev/zero\n", s.tree));
    }),
    case("objects is a symbolic link", Refused("symbolic link"), Quiet, |s| {
        let store = s.repo.root.join("store");
        std::fs::rename(s.tree.join(".git/objects"), &store).unwrap();
        symlink(&store, s.tree.join(".git/objects")).unwrap();
    }),
    case("objects are symbolic links", Refused(""), Quiet, |s| {
        let store = s.repo.root.join("store");
        std::fs::create_dir(&store).unwrap();
        for folder in s.tree.join(".git/objects").read_dir_utf8().unwrap().flatten() {
            if folder.file_name().len() == 2 {
                let away = store.join(folder.file_name());
                std::fs::rename(folder.path(), &away).unwrap();
                symlink(&away, folder.path()).unwrap();
            }
        }
    }),
    case("an object with another's content", Refused(""), Quiet, |s| {
        let path = |name: &str| {
            let id = s.run(&["rev-parse", name]);
            s.tree.join(".git/objects").join(&id[..2]).join(&id[2..])
        };
        std::fs::remove_file(path("HEAD:work")).unwrap();
        std::fs::copy(path("HEAD:a"), path("HEAD:work")).unwrap();
    }),
    case("an object that is cut off", Refused(""), Quiet, |s| {
        let id = s.run(&["rev-parse", "HEAD^{tree}"]);
        let path = s.tree.join(".git/objects").join(&id[..2]).join(&id[2..]);
        let bytes = std::fs::read(&path).unwrap();
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    }),
    case("an object that is a pipe", Refused(""), Quiet, |s| {
        let id = s.run(&["rev-parse", "HEAD:work"]);
        let path = s.tree.join(".git/objects").join(&id[..2]).join(&id[2..]);
        std::fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(path.as_std_path(), nix::sys::stat::Mode::S_IRWXU).unwrap();
    }),
    case("a pack that is damaged", Refused(""), Quiet, |s| {
        s.run(&["repack", "-a", "-d", "-l", "-q"]);
        for entry in s.tree.join(".git/objects/pack").read_dir_utf8().unwrap().flatten() {
            if entry.file_name().ends_with(".pack") {
                let mut bytes = std::fs::read(entry.path()).unwrap();
                let middle = bytes.len() / 2;
                bytes[12..middle].fill(0xff);
                std::fs::remove_file(entry.path()).unwrap();
                std::fs::write(entry.path(), bytes).unwrap();
            }
        }
    }),
    case("indexes beside the objects that lie", Lands, Quiet, |s| {
        s.run(&["repack", "-a", "-d", "-l", "-q"]);
        for path in
            ["info/commit-graph", "info/packs", "pack/multi-pack-index", "pack/pack-x.idx", "pack/pack-x.bitmap"]
        {
            s.write(&format!(".git/objects/{path}"), "CGPH\u{1}\u{1}\0\0 lies");
        }
    }),
    case("a commit graph of another history", Lands, Quiet, |s| {
        s.run(&["commit-graph", "write", "--reachable"]);
        let head = s.run(&["rev-parse", "HEAD"]);
        s.run(&["checkout", "--quiet", "--detach", &head]);
    }),
];
