//! The scenarios, in the order of the document.

use super::{Incident, Time, limits, money, people, processes, records, silence, told, two};

macro_rules! scenarios {
    ($($name:literal, $time:ident, $act:path,
        happened: $happened:literal, defence: $defence:literal, instead: $instead:literal;)*) => {
        /// All of them.
        pub(super) static ALL: &[Incident] = &[$(Incident {
            name: $name,
            happened: $happened,
            defence: $defence,
            instead: $instead,
            time: Time::$time,
            act: |wiring| Box::pin($act(wiring)),
        },)*];
    };
}

scenarios! {
"serial-killer", Real, silence::serial_killer,
    happened: "a hang detector killed healthy, quiet agents",
    defence: "processor time, writes and programs count as signs of life; silence is reported before it is stopped",
    instead: "a watchdog that counts output alone";

    "silence-cascade", Virtual, silence::silence_cascade,
    happened: "a silence rule of two minutes failed 141 of 192 runs and cooled all six agents at once",
    defence: "15 minutes of silence before a stop, and a stop for silence says nothing of the agent's capacity",
    instead: "silence is stopped after two minutes, and taken for a limit of the agent";

    "laptop-sleep", Virtual, silence::laptop_sleep,
    happened: "the time in which a laptop slept was charged as an agent's hang",
    defence: "limits are measured on a clock that stands still while the machine sleeps",
    instead: "a watchdog that looks at the wall clock";

    "quoted-rate-limit", Real, records::quoted_rate_limit,
    happened: "an agent read a file that quotes a rate-limit message, and was classed as limited",
    defence: "how work ended is read from the vendor's own records in their frame, never from text",
    instead: "a reader that looks for words in the output";

    "subtype-success", Real, records::subtype_success,
    happened: "a session that ended at its limit says `subtype: success`, and was taken for one",
    defence: "rules over the whole final record, held against captures of the real programs",
    instead: "a reader that believes the word `success`";

    "silent-exit-0", Real, processes::silent_exit_0,
    happened: "no output, no change, exit code 0: taken for success",
    defence: "an attempt without a change is a no-op; after the second a person is told",
    instead: "no gate is asked";

    "denied-tools", Real, records::denied_tools,
    happened: "every call of a tool was denied, and weeks of `successful` runs did nothing",
    defence: "denials after which nothing worked are an end of their own, which a person is told",
    instead: "a reader that believes the exit code";

    "background-orphan", Real, processes::background_orphan,
    happened: "a headless agent's background tasks died at the end of its turn, and the result said success",
    defence: "success is what is there when the agent has ended: a commit that the gates have judged",
    instead: "no gate is asked";

    "quota-cascade", Virtual, limits::quota_cascade,
    happened: "a quota was charged to the issue and not to the account; retries burned through the whole backlog",
    defence: "a quota is no failure of an issue: it closes the account, for all that would use it, until its reset",
    instead: "a quota is taken for a failed task";

    "dead-provider", Virtual, limits::dead_provider,
    happened: "19 hours of attempts went to a provider that was down",
    defence: "an outage closes the vendor; one small request at a time asks whether it is over",
    instead: "an outage is taken for a failed task";

    "early-reset", Virtual, limits::early_reset,
    happened: "a quota's window opened earlier than stated, and nobody looked",
    defence: "a small request asks every 45 seconds whether the account takes work again",
    instead: "the stated time is waited for: `probe = \"off\"`";

    "revoked-token", Virtual, limits::revoked_token,
    happened: "a 401 was tried again as if it would pass",
    defence: "refused credentials close the account until a person has acted; no issue is charged or blocked",
    instead: "a 401 is taken for a fault of the host, which passes";

    "ambient-key", Virtual, money::ambient_key,
    happened: "an API key in a project's .env silently billed by the token instead of the subscription",
    defence: "who pays is looked at before the start and again when the agent says what it found",
    instead: "the agent as a plain command, of which nobody knows who pays";

    "runaway-issue", Virtual, money::runaway_issue,
    happened: "82 attempts and 156 million tokens went to one issue",
    defence: "bounds over an issue's whole life: 12 attempts, 20 million tokens, 6 hours, whoever lets it go on",
    instead: "the bounds are set out of reach";

    "duelling-recovery", Virtual, two::duelling_recovery,
    happened: "two recovery subsystems undid each other's work, for about 310 dollars",
    defence: "the number of an engine's take-over is checked at every append: one that was followed can write nothing",
    instead: "a store that takes what any engine writes";

    "wrapper-kill", Real, processes::wrapper_kill,
    happened: "killing the wrapper left the agent alive; it went on for 35 processor-hours",
    defence: "every process that an attempt started is ended with it, wherever it went",
    instead: "an executor that ends the process it started, and no other";

    "foreign-cleanup", Real, processes::foreign_cleanup,
    happened: "a clean-up of orphans killed another installation's agents",
    defence: "only processes that carry the mark of this installation are ended",
    instead: "two installations with one mark";

    "cron-path", Real, processes::cron_path,
    happened: "the nightly run had no PATH to the agent",
    defence: "the program is looked for before anything starts, and no shell stands in between",
    instead: "the agent behind `sh -c`";

    "mention-loop", Virtual, people::mention_loop,
    happened: "a bot answered its own comments: 73 branches, 60 issues",
    defence: "what dayfly wrote is known again by its marker and its account, and begins nothing",
    instead: "a tracker that shows dayfly's comments as a person's";

    "bot-requeue", Virtual, people::bot_requeue,
    happened: "an issue that waited for an answer was put into the queue by the bot's own comment",
    defence: "only a person's words after the question answer it",
    instead: "a tracker that shows dayfly's comments as a person's";

    "renamed-repo", Virtual, people::renamed_repo,
    happened: "a repository was renamed; the loop saw no issues and said it was idle",
    defence: "a tracker that cannot be read is a fault of its project, which is told; GitHub's redirects are followed",
    instead: "a tracker that shows a project it cannot read as one without issues";

    "drifted-record", Real, people::drifted_record,
    happened: "changes were made past the tracking system; the record and reality disagreed, and nobody was told",
    defence: "what people did is read off repository and tracker, and recorded, before anything is planned",
    instead: "a tracker that shows what it showed first";

    "slot-race", Real, two::slot_race,
    happened: "posts that were pushed one by one claimed the same slot",
    defence: "a claim is an append with conditions, in one transaction; an issue for a part is made once",
    instead: "a store that asks no condition, and issues without the name of their part";

    "hook-hostage", Virtual, told::hook_hostage,
    happened: "the outage of an audio service kept a work log from being committed",
    defence: "what happened is recorded first; writes to the outside wait in the outbox",
    instead: "a job that announces its work before it lets it be recorded";

    "short-row", Virtual, told::short_row,
    happened: "a report crashed on the empty result of a query",
    defence: "reports are folds over whatever rows there are",
    instead: "one more report, which asks for the last attempt";

    "empty-backlog", Virtual, told::empty_backlog,
    happened: "the engine idled because nothing was prepared, and nobody noticed until the morning",
    defence: "a run that finds nothing prepared says what waits, for what, and what would prepare it",
    instead: "a run that tells only what it did";
}
