//! `dayfly demo`: three small repositories, a scripted agent, no network and no key.

mod setup;

use std::time::Duration;

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Clock as _, Filter, WaitLine, WorkLogQuery, work_log};
use dayfly_runner::{Past, RunOptions, SystemClock, Until};
use jiff::tz::TimeZone;

use crate::context::{Context, FILE, here};
use crate::error::{CliError, Exit};
use crate::output::Output;
use crate::tables::shell_word;

use super::plan;
use super::run::work;

/// The file that says: a demo made this folder, and may throw it away.
const MARK: &str = ".dayfly-demo";

/// What was asked for.
pub(crate) struct Settings {
    pub(crate) fresh: bool,
    pub(crate) no_run: bool,
}

pub(crate) async fn run(output: &Output, dir: Option<Utf8PathBuf>, settings: Settings) -> Result<Exit, CliError> {
    let dir = here()?.join(dir.unwrap_or_else(|| "dayfly-demo".into()));
    let there = prepare(&dir, settings.fresh)?;
    if there {
        output.say(&format!("going on with the demo in {dir} (`--fresh` starts anew)\n"));
    } else {
        setup::make(&dir).await?;
        std::fs::write(dir.join(MARK), "made by `dayfly demo`\n").map_err(|err| CliError::files(&dir, err))?;
        output.say(&format!("made three repositories and their issues in {dir}\n"));
    }
    if settings.no_run {
        output.say(&format!("cd {}, then `dayfly plan` and `dayfly run --until-idle`", shell_word(dir.as_str())));
        return Ok(Exit::Good);
    }
    let context = Context::load(Some(&dir.join(FILE)))?;
    let options = RunOptions { until: Until::Idle { patience: Duration::from_secs(10) }, filter: Filter::default() };
    let summary = work(output, &context, options, false).await?;
    if summary.stopped {
        return Ok(Exit::Interrupted);
    }
    let zone = TimeZone::system();
    let day = SystemClock.now().to_zoned(zone.clone()).date();
    let overview = context.overview_of(Filter::default(), &Past::days(day, day, &zone)).await?;
    let query = WorkLogQuery { day, zone, project: None };
    let log = work_log(&query, &overview.input(), &overview.plan, &overview.past);
    let log = log.map_err(|err| CliError::environment("the ledger cannot be read").with_source(err))?;
    output.data(&serde_json::json!({ "dir": dir, "summary": summary, "worklog": log }), || {
        let waits: Vec<WaitLine> = overview.plan.waiting.iter().map(WaitLine::from).collect();
        let waits = plan::waits(&waits, overview.now);
        format!("\n{}\n# What waits now\n\n{waits}\n{}", log.to_markdown(), where_to_look(&dir))
    })?;
    Ok(Exit::Good)
}

/// Makes room for the demo; tells whether an earlier one is there.
fn prepare(dir: &Utf8Path, fresh: bool) -> Result<bool, CliError> {
    let files = |err| CliError::files(dir, err);
    let there = dir.join(MARK).is_file();
    let empty = match dir.read_dir_utf8() {
        Ok(mut entries) => entries.next().is_none(),
        Err(err) if err.kind() == std::io::ErrorKind::NotFound => true,
        Err(err) => return Err(files(err)),
    };
    if !empty && !there {
        return Err(CliError::usage(format!("{dir} is not empty, and no demo made it"))
            .hint("name another folder: `dayfly demo DIR`"));
    }
    if there && fresh {
        std::fs::remove_dir_all(dir).map_err(files)?;
        return Ok(false);
    }
    Ok(there)
}

fn where_to_look(dir: &Utf8Path) -> String {
    format!(
        "# Where to look\n\n\
         cd {}\n\
         dayfly status                                  how things stand\n\
         dayfly why greeter#2                           a test failed, the work came back, then it passed\n\
         dayfly logs clock.3.exec.3                     what the agent that hung had printed\n\
         dayfly issue answer greeter#3 \"English\"        answers the question; `dayfly run --until-idle` goes on\n\
         git -C repos/greeter log --oneline             what landed\n\
         less agent.sh dayfly.toml issues/greeter/*     all of it is plain text\n",
        shell_word(dir.as_str())
    )
}
