//! GitHub, triage, and what needs a person.

use std::ops::Range;

use toml::Spanned;

use crate::{CardPolicy, ForgeRepo, GitHubConfig, Landing, MergeBy, MergePolicy, TrackerKind, TriagePolicy};

use super::{Resolver, raw};

/// What a project has on its forge.
pub(super) struct Forge {
    pub(super) repo: Option<ForgeRepo>,
    pub(super) tracker: TrackerKind,
    pub(super) landing: Landing,
    pub(super) merge: MergePolicy,
}

impl Resolver<'_> {
    pub(super) fn github(&mut self, base: &raw::GitHub, own: &raw::GitHub) -> GitHubConfig {
        let api = own.api.as_ref().or(base.api.as_ref());
        let address = api.map(|api| api.get_ref().trim_end_matches('/').to_owned()).unwrap_or_default();
        let key = own.app_key.as_ref().map(|key| self.path(key.get_ref()));
        let whole = own.app_id.is_some() == own.app_key.is_some();
        if let (Some(span), false) =
            (own.app_id.as_ref().map(Spanned::span).or(own.app_key.as_ref().map(Spanned::span)), whole)
        {
            self.problem(span, "an App needs both `app-id` and `app-key`", "add the other one, or take this one out");
        }
        let config = GitHubConfig {
            api: address,
            app_id: own.app_id.as_ref().map(|id| *id.get_ref()),
            app_key: key,
            poll: self.optional_duration(own.poll.as_ref().or(base.poll.as_ref())).unwrap_or_default(),
            checks_start: self
                .optional_duration(own.checks_start.as_ref().or(base.checks_start.as_ref()))
                .unwrap_or_default(),
            wait: self.optional_duration(own.wait.as_ref().or(base.wait.as_ref())).unwrap_or_default(),
        };
        if let Some(api) = api.filter(|_| !(config.api.starts_with("https://") || config.is_local())) {
            let message = format!("`{}` is no address that a token may be sent to", config.api);
            self.problem(api.span(), message, "write one with https, such as \"https://github.example.org/api/v3\"");
        }
        config
    }

    pub(super) fn triage(&mut self, base: &raw::Triage, own: &raw::Triage) -> TriagePolicy {
        let stale = own.stale_after.as_ref().or(base.stale_after.as_ref()).filter(|text| text.get_ref() != "off");
        TriagePolicy {
            answers: own.answers.or(base.answers).unwrap_or_default(),
            stale_after: self.optional_duration(stale),
            exempt: own.exempt.clone().or(base.exempt.clone()).unwrap_or_default(),
            writes: own.writes.as_ref().or(base.writes.as_ref()).map_or(20, |n| self.at_least_one(n)),
            roll_over: own.roll_over.or(base.roll_over).unwrap_or_default(),
        }
    }

    pub(super) fn cards(&mut self, base: &raw::Cards, own: &raw::Cards) -> CardPolicy {
        let expires = own.expires.as_ref().or(base.expires.as_ref()).filter(|text| text.get_ref() != "off");
        CardPolicy { expires: self.optional_duration(expires) }
    }

    pub(super) fn forge(&mut self, raw: &raw::Project) -> Forge {
        let repo = raw.github.as_ref().and_then(|text| match ForgeRepo::new(text.get_ref()) {
            Ok(repo) => Some(repo),
            Err(err) => {
                self.problem(text.span(), err.to_string(), "such as `github = \"ann/web\"`");
                None
            }
        });
        let there = raw.github.is_some();
        let mut lonely = |span: Option<Range<usize>>, what: &str| {
            if let Some(span) = span.filter(|_| !there) {
                let message = format!("{what} needs a repository on GitHub");
                self.problem(span, message, "add `github = \"owner/name\"`, or take this out");
            }
        };
        let tracker = raw.tracker.as_ref().map(|kind| *kind.get_ref());
        lonely(raw.tracker.as_ref().filter(|kind| *kind.get_ref() == TrackerKind::GitHub).map(Spanned::span), "it");
        lonely(raw.merge.as_ref().filter(|by| *by.get_ref() == MergeBy::Engine).map(Spanned::span), "a merge");
        lonely(raw.merge_method.as_ref().map(Spanned::span), "a way to merge");
        let own =
            if there { (TrackerKind::GitHub, Landing::PullRequest) } else { (TrackerKind::Markdown, Landing::Direct) };
        Forge {
            repo,
            tracker: tracker.unwrap_or(own.0),
            landing: raw.landing.unwrap_or(own.1),
            merge: MergePolicy {
                by: raw.merge.as_ref().map(|by| *by.get_ref()).unwrap_or_default(),
                method: raw.merge_method.as_ref().map(|method| *method.get_ref()).unwrap_or_default(),
                draft: raw.draft.unwrap_or(true),
            },
        }
    }
}
