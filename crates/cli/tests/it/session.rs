//! A project that keeps one lasting session in tmux.

use insta::assert_snapshot;

use crate::world::World;

/// An agent at a terminal, which does what the issue asks and tells that it has done.
const TALK: &str = r#"printf 'talk to me> '
while IFS= read -r line; do
    case $line in
    '[dayfly] This was attempt '*) id=${line#'[dayfly] This was attempt '} id=${id%%. *} ;;
    '[dayfly] Work in this folder'*) cd "${line#*: }" ;;
    '[dayfly] When all is done'*)
        echo "at work on $id"
        case $id in *.2.exec.*) until [ -e "$SIGNS/go" ]; do sleep 0.05; done ;; esac
        echo "$id" >done.txt && git add --all && git commit --quiet --message "Do $id"
        words=${line##*: }
        echo "${words%% and *}${words##* and }"
        ;;
    esac
done
"#;

/// The world with a session, which is ended with it.
struct Sessions(World);

impl Sessions {
    fn new() -> Self {
        let world = World::new();
        world.repository("web", "main", &[("README.md", "# web\n")]);
        world.write("talk.sh", TALK);
        world.write(
            "dayfly.toml",
            &format!(
                "version = 1\npipeline = [\"exec\", \"merge\"]\n\n[projects.web]\npath = \"web\"\nrunner = \"tmux\"\n\n\
                 [projects.web.session]\ncommand = [\"sh\", \"{root}/talk.sh\"]\nready = \"talk to me>\"\n\
                 settle = \"200ms\"\nenv = {{ SIGNS = \"{root}/signs\" }}\n",
                root = world.root
            ),
        );
        Self(world)
    }

    fn list(&self) -> String {
        let text = self.0.data(&["session", "list"]);
        let pid = text.split_once("process ").and_then(|(_, rest)| rest.split_once("  "));
        pid.map_or(text.clone(), |(pid, _)| text.replace(pid, "[pid]"))
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.0.dayfly(&["session", "end", "--force"]);
    }
}

#[test]
fn all_issues_of_a_project_go_through_its_one_session() {
    let sessions = Sessions::new();
    let world = &sessions.0;
    assert_snapshot!(sessions.list(), @"web  absent  [root]/.dayfly/sessions/web/tmux.sock");
    world.data(&["issue", "new", "One"]);
    let ran = world.dayfly(&["run", "--until-idle"]);
    assert_snapshot!(ran.out, @"
    attempts: 2 succeeded
    done: web#1
    ");
    assert_snapshot!(ran.err, @"
    web#1  exec by session.web: One
    web.1.exec.1  succeeded in [took]; goes to merge
    web#1  merge by the engine: One
    web.1.merge.2  succeeded in [took]; lands on main
    web#1  landed as [commit]
    ");
    assert_eq!(world.subjects("web", "main"), ["Do web.1.exec.1", "the beginning"]);
    assert_snapshot!(sessions.list(), @"web  idle  process [pid]  since [time]  [root]/.dayfly/sessions/web/tmux.sock");

    world.data(&["issue", "new", "Two"]);
    let mut run = world.start(&["run", "--verbose"]);
    run.says("web.2.exec.1 | at work on web.2.exec.1");
    assert_snapshot!(
        sessions.list(),
        @"web  busy  web.2.exec.1  process [pid]  since [time]  [root]/.dayfly/sessions/web/tmux.sock"
    );
    let json = world.json(&["session", "list"]);
    assert_eq!((&json[0]["state"], &json[0]["attempt"]), (&"busy".into(), &"web.2.exec.1".into()));
    let refused = world.dayfly(&["session", "end"]);
    assert_eq!(refused.code, Some(3));
    assert_snapshot!(refused.err, @"
    error: attempt web.2.exec.1 runs in the session of web
    hint: wait for it, interrupt `dayfly run`, or add `--force`
    ");
    world.write("signs/go", "");
    assert_eq!(run.ends().code, Some(0));
    assert_snapshot!(world.data(&["session", "end", "web"]), @"The session of web was ended.");
    assert_snapshot!(world.data(&["session", "end"]), @"The session of web was not there.");
}

#[test]
fn what_is_no_session_is_said_to_be_none() {
    let world = World::with_agent("exit 0");
    assert_snapshot!(
        world.data(&["session", "list"]),
        @r#"No project has a session. `runner = "tmux"` of a project gives it one."#
    );
    let ran = world.dayfly(&["session", "end", "web"]);
    assert_eq!(ran.code, Some(2));
    assert_snapshot!(ran.err, @r#"
    error: project `web` has no session
    hint: `runner = "tmux"` of a project gives it one
    "#);
    let sessions = Sessions::new();
    let ran = sessions.0.dayfly(&["session", "attach"]);
    assert_snapshot!(ran.err, @"error: a session can be attached to from a terminal alone");
}
