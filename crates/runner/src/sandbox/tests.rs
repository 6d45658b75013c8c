use super::*;

fn place() -> (tempfile::TempDir, Place) {
    let dir = tempfile::tempdir().unwrap();
    let root = Utf8Path::from_path(dir.path()).unwrap().canonicalize_utf8().unwrap();
    for name in ["tree", "home", "tmp", "answer"] {
        std::fs::create_dir(root.join(name)).unwrap();
    }
    let place = Place {
        cwd: root.join("tree"),
        access: Access::Write,
        home: root.join("home"),
        tmp: root.join("tmp"),
        proposal: root.join("answer"),
        read: Vec::new(),
        sockets: Vec::new(),
        bridge: None,
        protected: Vec::new(),
        state: root.join("state"),
        user_home: None,
        launcher: vec!["/usr/bin/dayfly-job".into(), "launch".into()],
        cgroup: None,
    };
    (dir, place)
}

fn argv() -> Vec<String> {
    ["/usr/bin/agent", "--flag"].map(str::to_owned).into()
}

fn spec(least: Sandbox) -> SandboxSpec {
    SandboxSpec { least, ..SandboxSpec::default() }
}

/// A ladder on which both sandboxes are there.
fn ladder() -> Ladder {
    let rung = || Rung { there: true, found: "there".into(), remedy: None };
    Ladder { landlock: rung(), bubblewrap: rung(), bwrap: Some("/usr/bin/bwrap".into()), ..Ladder::none() }
}

#[test]
fn without_a_rung_and_a_limit_the_command_line_stays_as_it_is() {
    let (_dir, place) = place();
    let wrapped = wrap(&spec(Sandbox::None), &Ladder::none(), &place, &argv()).unwrap();
    assert_eq!((wrapped.argv, wrapped.wrappers, wrapped.started), (argv(), 0, None));
}

#[test]
fn a_rung_that_is_not_there_is_refused_with_what_helps_and_never_replaced() {
    let (_dir, place) = place();
    for (least, word) in [(Sandbox::Landlock, "landlock"), (Sandbox::Bubblewrap, "bubblewrap")] {
        let refused = wrap(&spec(least), &Ladder::none(), &place, &argv()).unwrap_err().to_string();
        assert!(refused.contains(&format!("the sandbox `{word}`, which is not there")), "{refused}");
        assert!(refused.contains("look with"), "{refused}");
    }
}

#[test]
fn the_launch_step_comes_first_and_the_program_last() {
    let (_dir, place) = place();
    let limits = SandboxSpec { memory_bytes: Some(1 << 30), ..spec(Sandbox::None) };
    let wrapped = wrap(&limits, &Ladder::none(), &place, &argv()).unwrap();
    let started = place.tmp.join(".started");
    let words = wrapped.argv.join(" ");
    assert_eq!(
        words,
        format!("/usr/bin/dayfly-job launch --memory 1073741824 --started {started} -- /usr/bin/agent --flag")
    );

    let spec = SandboxSpec { network: Network::None, ..spec(Sandbox::Bubblewrap) };
    let words = wrap(&spec, &ladder(), &place, &argv()).unwrap().argv.join(" ");
    assert!(words.starts_with("/usr/bin/dayfly-job launch --filter -- /usr/bin/bwrap --unshare-user"), "{words}");
    assert!(words.contains(" --unshare-net ") && words.contains(" --die-with-parent "), "{words}");
    let inner = format!("-- /usr/bin/dayfly-job launch --scope --started {started} -- /usr/bin/agent --flag");
    assert!(words.ends_with(&inner), "{words}");
}

#[test]
fn a_bridge_is_started_by_the_step_that_becomes_the_program_and_its_sockets_folder_is_shown() {
    let (_dir, place) = place();
    let folder = place.home.parent().unwrap().join("proxy");
    std::fs::create_dir(&folder).unwrap();
    let place = Place { bridge: Some((4711, folder.join("sock"))), ..place };
    let bridge = format!("--bridge 4711={folder}/sock --bridge-by /usr/bin/dayfly-job --bridge-by launch --started ");
    let words = |rung| {
        let wrapped = wrap(&spec(rung), &ladder(), &place, &argv()).unwrap();
        assert!(wrapped.started.is_some());
        wrapped.argv.join(" ")
    };
    for rung in [Sandbox::None, Sandbox::Landlock, Sandbox::Bubblewrap] {
        let words = words(rung);
        assert!(words.matches(&bridge).count() == 1 && words.ends_with(" -- /usr/bin/agent --flag"), "{words}");
    }
    assert!(words(Sandbox::Landlock).contains(&format!(" --read {folder} ")));
    assert!(words(Sandbox::Bubblewrap).contains(&format!(" --ro-bind {folder} {folder} ")));
}

#[test]
fn a_path_from_the_engines_folder_is_made_whole_because_the_program_starts_elsewhere() {
    let (_dir, place) = place();
    let here = camino::absolute_utf8("src").unwrap().canonicalize_utf8().unwrap();
    let place = Place { cwd: "src".into(), ..place };
    let words = wrap(&spec(Sandbox::Bubblewrap), &ladder(), &place, &argv()).unwrap().argv.join(" ");
    assert!(words.contains(&format!(" --bind {here} {here} ")) && words.contains(" --chdir /"), "{words}");
}

#[test]
fn a_state_folder_among_the_systems_programs_is_hidden_or_refused() {
    let (_dir, place) = place();
    let place = Place { state: "/usr/state-of-dayfly".into(), ..place };
    let words = wrap(&spec(Sandbox::Bubblewrap), &ladder(), &place, &argv()).unwrap().argv.join(" ");
    assert!(words.contains(" --tmpfs /usr/state-of-dayfly "), "{words}");
    let refused = wrap(&spec(Sandbox::Landlock), &ladder(), &place, &argv());
    assert!(matches!(&refused, Err(SandboxError::Covers { path, .. }) if path == "/usr"), "{refused:?}");
}

#[test]
fn a_path_behind_a_link_is_mounted_where_it_lies_and_the_link_made() {
    let (dir, place) = place();
    let root = Utf8Path::from_path(dir.path()).unwrap().canonicalize_utf8().unwrap();
    std::os::unix::fs::symlink("tree", root.join("alias")).unwrap();
    let (tree, alias) = (place.cwd, root.join("alias"));
    let place = Place { cwd: alias.clone(), ..place };
    let words = wrap(&spec(Sandbox::Bubblewrap), &ladder(), &place, &argv()).unwrap().argv.join(" ");
    for part in [format!("--bind {tree} {tree}"), format!("--symlink tree {alias}"), format!("--chdir {alias}")] {
        assert!(words.contains(&format!(" {part} ")), "{part}: {words}");
    }
}

#[test]
fn what_lies_in_a_folder_is_mounted_after_the_folder() {
    let (_dir, mut place) = place();
    std::fs::create_dir(place.cwd.join("inner")).unwrap();
    place.read = vec![place.cwd.join("inner")];
    let argv = wrap(&spec(Sandbox::Bubblewrap), &ladder(), &place, &argv()).unwrap().argv;
    let at = |path: &Utf8Path| argv.iter().position(|word| word == path.as_str()).unwrap();
    assert!(at(&place.cwd) < at(&place.read[0]));
    assert_eq!(argv[at(&place.cwd) - 1], "--bind");
    assert_eq!(argv[at(&place.read[0]) - 1], "--ro-bind");
}

#[test]
fn a_limit_that_nothing_holds_is_said() {
    let (_dir, place) = place();
    let spec = SandboxSpec { processes: Some(64), ..spec(Sandbox::Landlock) };
    let wrapped = wrap(&spec, &ladder(), &place, &argv()).unwrap();
    assert!(wrapped.unheld[0].contains("`processes = 64` needs a control group"), "{:?}", wrapped.unheld);
    assert!(!wrapped.argv.contains(&"--processes".to_owned()));
}
