//! The tokens of an App's installations.

use dayfly_core::ForgeRepo;
use jiff::Timestamp;
use serde::Deserialize;

use super::{GitHub, installation_lane, read};
use crate::auth::{App, Grant, Granted, InstallationId};
use crate::call::repo_path;
use crate::transport::Bearer;
use crate::{Auth, Call, GitHubError, Token};

#[derive(Deserialize)]
struct Installation {
    id: u64,
}

#[derive(Deserialize)]
struct Answered {
    token: String,
    expires_at: Timestamp,
}

impl GitHub {
    /// The token for calls on behalf of a repository, good for it alone or for all that the App was told of.
    pub(super) async fn installation_bearer(
        &self,
        scope: &ForgeRepo,
        only: Option<ForgeRepo>,
    ) -> Result<Bearer, GitHubError> {
        let Auth::App(app) = &self.inner.auth else {
            return self.app_bearer();
        };
        match self.granted(app, scope, only.clone()).await {
            // It was removed and installed anew, or the repository has another owner now.
            Err(error) if error.is_absent() && app.forget_installation(scope) => self.granted(app, scope, only).await,
            done => done,
        }
    }

    async fn granted(&self, app: &App, scope: &ForgeRepo, only: Option<ForgeRepo>) -> Result<Bearer, GitHubError> {
        let installation = match app.installation(scope) {
            Some(id) => id,
            None => {
                let id = self.installation_of(scope).await?;
                app.learn_installation(scope, id);
                id
            }
        };
        let grant = Grant { installation, only };
        let lane = installation_lane(installation);
        if let Some(token) = app.cached(&grant, self.now()) {
            return Ok(Bearer { token, lane });
        }
        let names = app.names(&grant, scope.owner());
        let got = match self.ask_token(app, installation, &names).await {
            // One that is not there, or is called otherwise, must not keep the token from the others.
            Err(error @ GitHubError::Unprocessable { .. }) if names.len() > 1 => {
                let names = self.names_there(installation, scope.owner(), names).await?;
                // Without any name, it would be a token for all there are.
                if names.is_empty() {
                    return Err(error);
                }
                self.ask_token(app, installation, &names).await?
            }
            got => got?,
        };
        let token = Token::new(&got.token)?;
        app.keep(grant, Granted { token: token.clone(), expires: got.expires_at });
        Ok(Bearer { token, lane })
    }

    async fn installation_of(&self, repository: &ForgeRepo) -> Result<InstallationId, GitHubError> {
        let call = Call::get(format!("{}/installation", repo_path(repository)));
        let found: Installation = read(&call, &self.inner.transport.send(&call, &self.app_bearer()?).await?)?;
        Ok(InstallationId(found.id))
    }

    async fn ask_token(&self, app: &App, at: InstallationId, names: &[String]) -> Result<Answered, GitHubError> {
        let mut call = Call::post(format!("/app/installations/{}/access_tokens", at.0));
        // Another token does no harm.
        call.repeatable = true;
        let call = call.json(&app.request(names))?;
        read(&call, &self.inner.transport.send(&call, &self.app_bearer()?).await?)
    }

    /// Those of the names that lead to a repository of the installation, and to one of that name.
    async fn names_there(
        &self,
        at: InstallationId,
        owner: &str,
        names: Vec<String>,
    ) -> Result<Vec<String>, GitHubError> {
        let mut there = Vec::new();
        for name in names {
            let Ok(repository) = ForgeRepo::new(&format!("{owner}/{name}")) else { continue };
            match self.installation_of(&repository).await {
                Ok(id) if id == at && !self.inner.transport.moved().contains(&repository) => there.push(name),
                Ok(_) => {}
                Err(error) if error.is_absent() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(there)
    }
}
