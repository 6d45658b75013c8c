mod apps;
mod contract;
mod expected;
mod faults;
mod graphql;
mod issues;
mod limits;
pub(crate) mod mutants;
mod people;
mod relations;
mod webhooks;

use serde_json::{Value, json};

use super::contract::{Client, Response};
use super::{GitHubServer, Permission, Person, Repository};

/// A server with the repository `acme/web`, a maintainer and a bot.
struct Scene {
    server: GitHubServer,
    web: Repository,
    ann: Person,
    bot: Person,
}

impl Scene {
    fn new() -> Self {
        let server = GitHubServer::start();
        let world = server.world();
        let ann = world.person("ann", Permission::Maintain);
        let bot = world.bot("dayfly-bot", Permission::Write);
        let web = world.repo("acme/web");
        Self { server, web, ann, bot }
    }

    fn client(&self, person: &Person) -> Client {
        Client::new(&self.server.url(), person.token())
    }

    /// What the bot gets.
    fn get(&self, path: &str) -> Response {
        self.client(&self.bot).get(path)
    }

    /// What the bot is answered.
    fn call(&self, method: &str, path: &str, body: Value) -> Response {
        self.client(&self.bot).call(method, path, &body)
    }

    fn graphql(&self, query: &str, variables: Value) -> Value {
        let body = json!({ "query": query, "variables": variables });
        let answer = self.client(&self.bot).call("POST", &self.server.graphql_url(), &body);
        assert_eq!(answer.status, 200);
        answer.body
    }
}

/// The code of the first error of a refusal.
fn code(response: &Response) -> &str {
    response.body["errors"][0]["code"].as_str().unwrap_or_default()
}
