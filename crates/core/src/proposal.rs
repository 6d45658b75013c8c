//! What an agent may propose: one small, schema-checked file.
//!
//! An agent never writes to the outside. It writes one JSON file, named by the environment variable
//! `DAYFLY_PROPOSAL`; the engine reads it after the process has ended, checks it against the stage's
//! allow-list and applies what is left as effects.

use serde::{Deserialize, Serialize};
use serde_json::json;

/// The most effects it may hold.
const MAX_EFFECTS: usize = 20;
/// The most characters of one text.
const MAX_TEXT: usize = 65_536;

/// An agent's answer and the effects it asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// The format, 1.
    pub version: u32,
    /// What was found or done, in the agent's words: later stages read it.
    #[serde(default)]
    pub summary: String,
    /// The agent's judgement where the stage asks for one, such as a review.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<VerdictClaim>,
    /// The effects it asks for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Proposed>,
}

/// A judgement on somebody else's work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VerdictClaim {
    /// The work may go on.
    Pass,
    /// The work goes back; the summary says why.
    Fail,
}

/// Whether an answer must carry a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum VerdictRule {
    /// It must.
    Required,
    /// The stage does not ask for one.
    None,
}

/// One proposed effect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Proposed {
    /// Ask the people of the issue, and wait for an answer.
    Ask {
        /// The question.
        question: String,
    },
    /// Split the issue into children; it waits until they are closed.
    Split {
        /// The children, in the order in which they should be done.
        children: Vec<Child>,
    },
    /// Say something on the issue.
    Comment {
        /// The text, in Markdown.
        body: String,
    },
}

/// A child issue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Child {
    /// A key, unique among the children of one proposal.
    pub key: String,
    /// The title.
    pub title: String,
    /// The text, in Markdown.
    #[serde(default)]
    pub body: String,
}

/// A proposal that is refused as a whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProposalError {
    /// It is not JSON of the documented shape.
    #[error("the proposal is not of the documented form")]
    Malformed(#[source] serde_json::Error),
    /// It asks for more than the stage allows, or breaks a bound.
    #[error("the proposal is refused: {0}")]
    Refused(String),
}

impl Proposed {
    /// The word by which a stage allows it.
    pub fn word(&self) -> &'static str {
        match self {
            Proposed::Ask { .. } => "ask",
            Proposed::Split { .. } => "split",
            Proposed::Comment { .. } => "comment",
        }
    }

    fn texts(&self) -> Vec<&str> {
        match self {
            Proposed::Ask { question } => vec![question],
            Proposed::Comment { body } => vec![body],
            Proposed::Split { children } => children.iter().flat_map(|c| [c.key.as_str(), &c.title, &c.body]).collect(),
        }
    }
}

impl Proposal {
    /// The most bytes a proposal may have.
    pub const MAX_BYTES: usize = 256 * 1024;

    /// The JSON schema of a proposal with these effects, for agents whose vendor holds their answer against one.
    ///
    /// It is of the strict form that all vendors take: every property is required, and no other is allowed.
    pub fn schema(effects: &[String], children: u32, verdict: VerdictRule) -> serde_json::Value {
        let mut properties = serde_json::Map::new();
        properties.insert("version".into(), json!({ "type": "integer", "enum": [1] }));
        properties.insert(
            "summary".into(),
            json!({ "type": "string", "description": "what was found or done; later stages read it" }),
        );
        if verdict == VerdictRule::Required {
            properties.insert("verdict".into(), json!({ "type": "string", "enum": ["pass", "fail"] }));
        }
        let allowed: Vec<_> = effects.iter().filter_map(|word| effect_schema(word, children)).collect();
        if !allowed.is_empty() {
            let what = "what is asked for besides; often nothing";
            properties.insert(
                "effects".into(),
                json!({ "type": "array", "description": what, "items": { "anyOf": allowed } }),
            );
        }
        object(properties)
    }

    /// Reads a proposal and holds it against what the stage allows.
    ///
    /// # Errors
    /// The whole proposal is refused if any part of it is: half an answer would be worse than none.
    pub fn read(bytes: &[u8], allowed: &[String], max_children: u32) -> Result<Self, ProposalError> {
        let refuse = |why: String| Err(ProposalError::Refused(why));
        if bytes.len() > Self::MAX_BYTES {
            return refuse(format!("it has more than {} bytes", Self::MAX_BYTES));
        }
        let proposal: Proposal = serde_json::from_slice(bytes).map_err(ProposalError::Malformed)?;
        if proposal.version != 1 {
            return refuse(format!("its version is {}, this program reads 1", proposal.version));
        }
        if proposal.effects.len() > MAX_EFFECTS {
            return refuse(format!(
                "it asks for {} effects, at most {MAX_EFFECTS} are allowed",
                proposal.effects.len()
            ));
        }
        for effect in &proposal.effects {
            let word = effect.word();
            if !allowed.iter().any(|a| a == word) {
                return refuse(format!("the stage does not allow `{word}`"));
            }
            if effect.texts().iter().any(|t| t.chars().count() > MAX_TEXT) {
                return refuse(format!("a text of `{word}` has more than {MAX_TEXT} characters"));
            }
            if let Proposed::Ask { question } = effect
                && question.trim().is_empty()
            {
                return refuse("the question of `ask` is empty".into());
            }
            if let Proposed::Split { children } = effect {
                check_children(children, max_children)?;
            }
        }
        for word in ["ask", "split"] {
            if proposal.effects.iter().filter(|e| e.word() == word).count() > 1 {
                return refuse(format!("it asks for `{word}` more than once"));
            }
        }
        Ok(proposal)
    }
}

/// The schema of one effect; nothing for a word that is none.
fn effect_schema(word: &str, children: u32) -> Option<serde_json::Value> {
    let text = json!({ "type": "string" });
    let holds = |what: &[&str]| object(what.iter().map(|key| ((*key).to_owned(), text.clone())).collect());
    let inner = match word {
        "ask" => holds(&["question"]),
        "comment" => holds(&["body"]),
        "split" => {
            let what = format!("1 to {children} children, in the order in which they should be done");
            let list = json!({ "type": "array", "description": what, "items": holds(&["key", "title", "body"]) });
            object(serde_json::Map::from_iter([("children".to_owned(), list)]))
        }
        _ => return None,
    };
    Some(object(serde_json::Map::from_iter([(word.to_owned(), inner)])))
}

fn object(properties: serde_json::Map<String, serde_json::Value>) -> serde_json::Value {
    let required: Vec<_> = properties.keys().cloned().collect();
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn check_children(children: &[Child], max: u32) -> Result<(), ProposalError> {
    let refuse = |why: String| Err(ProposalError::Refused(why));
    if children.is_empty() || children.len() > max as usize {
        return refuse(format!("a split into {} children, 1 to {max} are allowed", children.len()));
    }
    for (i, child) in children.iter().enumerate() {
        if child.title.trim().is_empty() || child.title.contains('\n') || child.key.trim().is_empty() {
            return refuse("a child needs a key and a title of one line".into());
        }
        if children[..i].iter().any(|c| c.key == child.key) {
            return refuse(format!("two children have the key `{}`", child.key));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, allowed: &[&str]) -> Result<Proposal, String> {
        let allowed: Vec<String> = allowed.iter().map(|s| (*s).to_owned()).collect();
        Proposal::read(text.as_bytes(), &allowed, 2).map_err(|e| e.to_string())
    }

    #[test]
    fn an_allowed_effect_is_read() {
        let p = read(r#"{"version":1,"summary":"s","effects":[{"ask":{"question":"Which?"}}]}"#, &["ask"]).unwrap();
        assert_eq!(p.effects, vec![Proposed::Ask { question: "Which?".into() }]);
    }

    #[test]
    fn what_the_stage_does_not_allow_refuses_the_whole() {
        let text = r#"{"version":1,"effects":[{"comment":{"body":"hi"}},{"ask":{"question":"?"}}]}"#;
        assert_eq!(read(text, &["comment"]).unwrap_err(), "the proposal is refused: the stage does not allow `ask`");
    }

    #[test]
    fn the_schema_is_strict_and_holds_what_the_stage_allows() {
        let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>();
        let schema = Proposal::schema(&words(&["ask", "split", "unheard-of"]), 3, VerdictRule::Required);
        assert_eq!(schema["required"], json!(["effects", "summary", "verdict", "version"]));
        let effects = schema["properties"]["effects"]["items"]["anyOf"].as_array().unwrap();
        assert_eq!(effects.len(), 2);
        let mut open = vec![&schema];
        while let Some(part) = open.pop() {
            if part["type"] == "object" {
                assert_eq!(part["additionalProperties"], json!(false), "{part}");
                let names: Vec<_> = part["properties"].as_object().unwrap().keys().cloned().collect();
                assert_eq!(part["required"], json!(names), "{part}");
            }
            open.extend(part.as_object().into_iter().flat_map(|o| o.values()));
            open.extend(part.as_array().into_iter().flatten());
        }
        let plain = Proposal::schema(&[], 3, VerdictRule::None);
        assert_eq!(plain["required"], json!(["summary", "version"]));
    }

    #[test]
    fn hostile_proposals_are_refused() {
        let many = format!(r#"{{"version":1,"effects":[{}]}}"#, vec![r#"{"comment":{"body":"x"}}"#; 21].join(","));
        let long = format!(r#"{{"version":1,"effects":[{{"comment":{{"body":"{}"}}}}]}}"#, "x".repeat(70_000));
        let big = format!(r#"{{"version":1,"summary":"{}"}}"#, "x".repeat(300_000));
        for text in [
            "",
            "nonsense",
            r#"{"version":2}"#,
            r#"{"version":1,"merge":true}"#,
            r#"{"version":1,"effects":[{"merge":{}}]}"#,
            r#"{"version":1,"effects":[{"ask":{"question":"  "}}]}"#,
            r#"{"version":1,"effects":[{"split":{"children":[]}}]}"#,
            r#"{"version":1,"effects":[{"split":{"children":[{"key":"a","title":"t"},{"key":"a","title":"u"}]}}]}"#,
            r#"{"version":1,"effects":[{"split":{"children":[{"key":"a","title":"t\nu"}]}}]}"#,
            &many,
            &long,
            &big,
        ] {
            let shown: String = text.chars().take(80).collect();
            assert!(read(text, &["ask", "split", "comment"]).is_err(), "{shown}");
        }
    }
}
