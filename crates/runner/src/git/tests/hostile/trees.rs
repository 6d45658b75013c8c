//! The table of hostile changes: what an agent commits, or leaves among its files.

use std::os::unix::fs::symlink;

use super::Plain::{Quiet, Runs};
use super::Work::{Dirty, Lands, Refused};
use super::cases::{attribute, case, nested};
use super::*;

/// Puts a tree entry of any name into a commit on top of the honest one.
fn entry(scene: &Scene, mode: &str, kind: &str, id: &str, name: &str) {
    let listed = scene.run(&["ls-tree", "HEAD"]);
    let input = format!("{listed}\n{mode} {kind} {id}\t{name}\n");
    let mut command = Command::new("git");
    command.args(["mktree", "--missing"]).current_dir(&scene.tree).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    std::io::Write::write_all(&mut child.stdin.take().unwrap(), input.as_bytes()).unwrap();
    let tree = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let commit = scene.run(&["commit-tree", tree.trim(), "-p", "HEAD", "-m", "hostile"]);
    scene.write(".git/HEAD", &format!("{commit}\n"));
}

/// A folder with a `config` in it, under any name.
fn config_below(scene: &Scene, name: &str) {
    let listed = scene.run(&["ls-tree", "HEAD:folder"]);
    assert!(listed.contains('b'));
    let folder = scene.run(&["rev-parse", "HEAD:folder"]);
    entry(scene, "040000", "tree", &folder, name);
}

fn blob(scene: &Scene) -> String {
    scene.run(&["rev-parse", "HEAD:work"])
}

/// What an agent commits, or leaves among its files.
pub(super) const TREES: &[Case] = &[
    case(".git in a commit", Refused("ontains '.git'"), Quiet, |s| config_below(s, ".git")),
    case(".GIT in a commit", Refused("ontains '.git'"), Quiet, |s| config_below(s, ".GIT")),
    case(".git with a space in a commit", Refused("ontains '.git'"), Quiet, |s| config_below(s, ".git ")),
    case("git~1 in a commit", Refused("ontains '.git'"), Quiet, |s| config_below(s, "git~1")),
    case(".git with a sign that cannot be seen", Refused("ontains '.git'"), Quiet, |s| config_below(s, ".g\u{200c}it")),
    case(".. in a commit", Refused("ontains '..'"), Quiet, |s| config_below(s, "..")),
    case("a file .git in a commit", Refused("ontains '.git'"), Quiet, |s| entry(s, "100644", "blob", &blob(s), ".git")),
    case("one name twice in a commit", Refused("duplicate"), Quiet, |s| entry(s, "120000", "blob", &blob(s), "work")),
    case(".gitmodules is a symbolic link", Refused("gitmodulesSymlink"), Quiet, |s| {
        entry(s, "120000", "blob", &blob(s), ".gitmodules");
    }),
    case(".gitmodules with a command", Refused("update"), Runs, |s| {
        nested(s, "sub");
        let text = format!("[submodule \"sub\"]\n\tpath = sub\n\turl = ./sub\n\tupdate = !{}\n", s.program);
        s.run(&["-c", "core.hooksPath=/dev/null", "add", "sub"]);
        s.commit(&[(".gitmodules", &text)]);
        s.config("submodule.sub.update", &format!("!{}", s.program));
    }),
    case(".gitmodules with a path and an address that are options", Refused("gitmodules"), Quiet, |s| {
        s.commit(&[(".gitmodules", "[submodule \"x\"]\n\tpath = -x\n\turl = --upload-pack=x\n")]);
    }),
    case("a submodule with settings of its own", Lands, Runs, |s| {
        nested(s, "sub");
        s.run(&["add", "sub"]);
        s.commit(&[]);
    }),
    case("a submodule whose settings name a filter", Lands, Runs, |s| {
        nested(s, "sub");
        let sub = s.tree.join("sub");
        git_in(&sub, &["-c", "core.fsmonitor=false", "config", "--unset", "core.fsmonitor"]);
        s.run(&["add", "sub"]);
        s.commit(&[]);
        git_in(&sub, &["config", "filter.evil.clean", &s.program]);
        std::fs::write(sub.join(".git/info/attributes"), "* filter=evil\n").unwrap();
        std::fs::write(sub.join("inner"), "2\n").unwrap();
    }),
    case("a repository among the files", Dirty("nested/"), Runs, |s| {
        nested(s, "nested");
        s.config("submodule.recurse", "true");
        s.config("core.fsmonitor", &s.program);
    }),
    case("a bare repository among the files", Lands, Quiet, |s| {
        for (path, text) in [("HEAD", "ref: refs/heads/main\n"), ("objects/x", ""), ("refs/x", "")] {
            s.write(&format!("bare/{path}"), text);
        }
        s.write("bare/config", &format!("[core]\n\tbare = true\n\tfsmonitor = {}\n", s.program));
        s.commit(&[]);
    }),
    case("a repository that is a link to the user's", Dirty("nested/"), Quiet, |s| {
        std::fs::create_dir(s.tree.join("nested")).unwrap();
        symlink(s.repo.web.join(".git"), s.tree.join("nested/.git")).unwrap();
    }),
    case("a symbolic link out of the tree in a commit", Lands, Quiet, |s| {
        symlink("../../..", s.tree.join("out")).unwrap();
        symlink("/etc/passwd", s.tree.join("passwd")).unwrap();
        s.commit(&[]);
    }),
    case("a folder exchanged for a symbolic link", Dirty("folder"), Quiet, |s| {
        std::fs::rename(s.tree.join("folder"), s.repo.root.join("folder")).unwrap();
        symlink(s.repo.root.join("folder"), s.tree.join("folder")).unwrap();
    }),
    case("a .gitignore that is a symbolic link", Dirty(".gitignore"), Quiet, |s| {
        symlink("/etc/passwd", s.tree.join(".gitignore")).unwrap();
    }),
    case("every attribute that git itself knows", Lands, Quiet, |s| {
        let all = "text=auto eol=crlf ident -diff merge=union export-subst working-tree-encoding=UTF-8 whitespace";
        attribute(s, all);
    }),
    case("a driver for everything that nobody has set up", Lands, Quiet, |s| {
        attribute(s, "filter=lfs diff=lfs merge=lfs -text");
    }),
    case("names that look like options", Lands, Quiet, |s| {
        s.commit(&[("--upload-pack=x", "1\n"), ("-c", "1\n"), ("$(touch x)", "1\n"), ("a;b", "1\n"), ("a\nb", "1\n")]);
    }),
    case("a commit message that looks like an option", Lands, Quiet, |s| {
        s.run(&["commit", "--quiet", "--allow-empty", "--message", "--exec=x\n\n%x00 $(x) `x`"]);
    }),
    case("a branch whose name looks like an option", Lands, Quiet, |s| {
        s.run(&["update-ref", "refs/heads/--exec", "HEAD"]);
        s.run(&["symbolic-ref", "HEAD", "refs/heads/--exec"]);
    }),
];
