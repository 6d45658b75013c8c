//! What `dayfly simulate` is asked.

/// What is rehearsed.
#[derive(Debug, Clone, clap::Args)]
#[command(after_help = "\
Nothing of yours is touched: no repository, no tracker, no ledger, no agent. The same seed gives the same report.

Examples:
  dayfly simulate                                  two weeks, with what your own ledger says of your agents
  dayfly simulate --accounts 3                     what if every vendor had three accounts, beside how it is
  dayfly simulate --set concurrency=6 --days 7     what if this were in dayfly.toml
  dayfly simulate --faults many --seeds 100        a hundred times, with more going wrong than anybody should see
  dayfly simulate --scenario quota-cascade         an incident that happened to somebody, and what protects from it")]
pub(crate) struct Simulate {
    /// How many days.
    #[arg(long, default_value_t = 14, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) days: u32,
    /// The number that all chance comes from.
    #[arg(long, default_value_t = 1)]
    pub(crate) seed: u64,
    /// How many seeds, from the first one on.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub(crate) seeds: u64,
    /// How many issues arrive on a working day in each project.
    #[arg(long, default_value_t = 4.0, value_name = "N")]
    pub(crate) issues: f64,
    /// What if each agent of a vendor's had so many accounts.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=50))]
    pub(crate) accounts: Option<u32>,
    /// What if so many jobs ran at once, on the host and in each project.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=500))]
    pub(crate) concurrency: Option<u32>,
    /// What if dayfly.toml said this, such as `limits.wall="20m"`; may be given more than once.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
    /// How much goes wrong: none, some or many.
    #[arg(long, default_value = "some", value_name = "HOW")]
    pub(crate) faults: FaultLevel,
    /// Let an incident come, by its name; `all` for every one of them.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["days", "seeds", "accounts", "concurrency", "set", "faults"])]
    pub(crate) scenario: Option<String>,
    /// Take out what protects from that incident, and see it happen.
    #[arg(long, requires = "scenario")]
    pub(crate) without_defence: bool,
    /// List the incidents.
    #[arg(long, conflicts_with = "scenario")]
    pub(crate) list: bool,
}

impl Simulate {
    /// The command that plays one of its seeds again, as it was.
    pub(crate) fn again(&self, seed: u64) -> String {
        let mut words = format!("dayfly simulate --seed {seed} --days {} --issues {}", self.days, self.issues);
        words.push_str(&format!(" --faults {}", self.faults));
        for (flag, count) in [("--accounts", self.accounts), ("--concurrency", self.concurrency)] {
            words.extend(count.map(|count| format!(" {flag} {count}")));
        }
        words.extend(self.set.iter().map(|set| format!(" --set '{set}'")));
        words
    }
}

/// How much goes wrong in a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum FaultLevel {
    /// Nothing but the work itself.
    None,
    /// What may go wrong in some weeks.
    Some,
    /// More than anybody should ever see.
    Many,
}

impl std::fmt::Display for FaultLevel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Some => "some",
            Self::Many => "many",
        })
    }
}
