//! What was asked, in its order.

use jiff::Timestamp;

/// One request and what became of it.
#[derive(Debug, Clone)]
pub struct Entry {
    /// The method.
    pub method: String,
    /// The path's form in GitHub's description, or the path if it has none.
    pub template: String,
    /// The path with its query, as it came.
    pub path: String,
    /// The login of whoever asked, if it is known.
    pub login: Option<String>,
    /// The status that was answered, or would have been if the answer had not been lost.
    pub status: u16,
    /// When, on this GitHub's clock.
    pub at: Timestamp,
    /// How much of the primary limit it used up.
    pub cost: u32,
    /// The name of the GraphQL operation.
    pub operation: Option<String>,
    /// Whether it changes anything.
    pub write: bool,
    /// What it is known by to GitHub.
    pub request_id: String,
}

/// The requests since a moment.
#[derive(Debug, Clone, Default)]
pub struct Journal {
    entries: Vec<Entry>,
}

impl Journal {
    /// All entries, the oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// How many requests there were. Given to [`since`](Self::since) later, it is a mark.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there was none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// What came after a mark.
    #[must_use]
    pub fn since(&self, mark: usize) -> Self {
        Self { entries: self.entries.get(mark..).unwrap_or_default().to_vec() }
    }

    /// How many GraphQL requests there were.
    pub fn graphql_calls(&self) -> usize {
        self.entries.iter().filter(|entry| is_graphql(entry)).count()
    }

    /// How many REST requests counted on the primary limit; one that is answered with 304 is free.
    pub fn paid_rest(&self) -> usize {
        self.entries.iter().filter(|entry| !is_graphql(entry) && entry.cost > 0).count()
    }

    /// How many requests would change something.
    pub fn writes(&self) -> usize {
        self.entries.iter().filter(|entry| entry.write).count()
    }

    /// How many requests there were of a method, with a path of this form, such as
    /// `/repos/{owner}/{repo}/issues/{issue_number}/comments`.
    pub fn count(&self, method: &str, template: &str) -> usize {
        self.entries.iter().filter(|entry| entry.method == method && entry.template == template).count()
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        self.entries.push(entry);
    }
}

fn is_graphql(entry: &Entry) -> bool {
    entry.template == "/graphql"
}

impl std::fmt::Display for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for entry in &self.entries {
            let operation = entry.operation.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
            let who = entry.login.as_deref().unwrap_or("nobody");
            writeln!(f, "{} {}{operation} by {who}: {}", entry.method, entry.path, entry.status)?;
        }
        Ok(())
    }
}
