//! What a stage lets its agent propose.

use super::{GOOD, read};

fn stage(lines: &str) -> Result<crate::Stage, String> {
    let config = read(&format!("{GOOD}[stages.triage]\n{lines}\n"))?;
    let project = config.portfolio.projects.into_values().next().unwrap();
    Ok(project.pipeline.stages.into_iter().find(|s| s.name.as_str() == "triage").unwrap())
}

#[test]
fn a_stage_has_caps_and_names_its_labels() {
    let usual = stage("").unwrap().caps;
    assert_eq!((usual.comments, usual.issues, usual.labels.len()), (3, 5, 0));
    let own = stage("effects = [\"label\", \"create\"]\ncomments = 0\nissues = 2\nlabels = [\"bug\"]").unwrap();
    assert_eq!((own.caps.comments, own.caps.issues, own.caps.labels), (0, 2, vec!["bug".to_owned()]));
    assert_eq!(own.effects, ["label", "create"]);
}

#[test]
fn what_would_let_an_agent_do_more_is_refused_with_the_remedy() {
    for (lines, why) in [
        ("effects = [\"merge\"]", "unknown effect `merge`\n    effects = [\"merge\"]\n    help: there are ask, split"),
        ("effects = [\"label\"]", "the effect `label` is allowed, and no label is"),
        ("labels = [\"Ready-For-Dev\"]", "the label `Ready-For-Dev` has a meaning of its own"),
        ("labels = [\"stale\"]", "the label `stale` has a meaning of its own"),
        ("labels = [\"a,b\"]", "`a,b` cannot be a label"),
        ("labels = [\"\"]", "`` cannot be a label"),
        ("issues = 500", "500 is too large"),
        ("comments = 21", "21 is too large"),
    ] {
        let refused = stage(lines).unwrap_err();
        assert!(refused.contains(why), "{lines}: {refused}");
    }
}

#[test]
fn a_renamed_label_of_dayfly_is_still_its_own() {
    let text =
        format!("{GOOD}[labels]\nready-for-dev = \"go\"\n[stages.triage]\nlabels = [\"ready-for-dev\", \"go\"]\n");
    let refused = read(&text).unwrap_err();
    assert!(refused.contains("the label `go` has a meaning of its own"), "{refused}");
    assert!(!refused.contains("`ready-for-dev` has a meaning"), "{refused}");
}
