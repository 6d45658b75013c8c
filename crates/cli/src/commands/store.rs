//! `dayfly store`: the file of the ledger, its copies, and what is made from it.

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Clock as _, Store as _};
use dayfly_runner::{
    Archive, Archived, Backup, Rebuilt, Restored, SqliteStore, StateLock, SystemClock, archives, backup, backup_name,
    backups, prune_backups,
};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::Serialize;

use crate::args::StoreCommand;
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::moment::Moment;
use crate::output::Output;
use crate::tables::{columns, count};

pub(crate) async fn run(output: &Output, context: &Context, command: StoreCommand) -> Result<Exit, CliError> {
    let none = || CliError::usage("there was no run yet").hint("`dayfly run` makes one");
    match command {
        StoreCommand::Restore { file } => return restore(output, context, &file).await,
        _ if !context.ledger().exists() => return Err(none()),
        StoreCommand::Info => info(output, context).await?,
        StoreCommand::Backup { file, keep } => make(output, context, file, usize::from(keep)).await?,
        StoreCommand::Rebuild => return rebuild(output, context).await,
        StoreCommand::Archive { before, older } => archive(output, context, before, older).await?,
    }
    Ok(Exit::Good)
}

/// Where backups lie that were given no name.
fn folder(context: &Context) -> Utf8PathBuf {
    context.config.portfolio.state_dir.join("backups")
}

/// How the ledger stands.
#[derive(Debug, Serialize)]
struct Info {
    path: Utf8PathBuf,
    bytes: u64,
    records: u64,
    head: String,
    format: u32,
    archives: Vec<Kept>,
    backups: Vec<Utf8PathBuf>,
}

/// An archive, and whether its file is there.
#[derive(Debug, Serialize)]
struct Kept {
    #[serde(flatten)]
    archive: Archive,
    missing: bool,
}

async fn info(output: &Output, context: &Context) -> Result<(), CliError> {
    let path = context.ledger();
    let store = SqliteStore::open_read_only(&path)?;
    let state = store.load().await?;
    // What is not written into the file yet lies beside it.
    let size = |file: Utf8PathBuf| file.metadata().map_or(0, |file| file.len());
    let info = Info {
        bytes: size(path.clone()) + size(Utf8PathBuf::from(format!("{path}-wal"))),
        path,
        records: state.head.0,
        head: format!("{}:{}", state.head.0, state.hash),
        format: dayfly_core::FORMAT_VERSION,
        archives: kept(&context.ledger())?,
        backups: backups(&folder(context)),
    };
    output.data(&info, || {
        let last = info.backups.first().map_or("none; `dayfly store backup` makes one", |path| path.as_str());
        let row = |name: &str, value: String| vec![name.to_owned(), value];
        columns(&[
            row("ledger", info.path.to_string()),
            row("size", bytes(info.bytes)),
            row("records", format!("{}, format {}", info.records, info.format)),
            row("head", info.head.clone()),
            row("archives", archived(&info.archives)),
            row("last backup", last.to_owned()),
        ])
    })
}

fn kept(ledger: &Utf8Path) -> Result<Vec<Kept>, CliError> {
    let folder = ledger.with_file_name("archive");
    let kept = |archive: Archive| Kept { missing: !folder.join(&archive.file).is_file(), archive };
    Ok(archives(ledger)?.into_iter().map(kept).collect())
}

fn archived(kept: &[Kept]) -> String {
    let Some(last) = kept.last() else { return "none".into() };
    let size = bytes(kept.iter().map(|kept| kept.archive.bytes).sum());
    let text = format!("{} with the records 1 to {}, {size}", count(kept.len(), "file"), last.archive.last);
    let missing: Vec<&str> = kept.iter().filter(|kept| kept.missing).map(|kept| kept.archive.file.as_str()).collect();
    if missing.is_empty() { text } else { format!("{text}; missing: {}", missing.join(", ")) }
}

async fn archive(
    output: &Output,
    context: &Context,
    before: Option<Moment>,
    older: Option<Span>,
) -> Result<(), CliError> {
    let portfolio = &context.config.portfolio;
    let zone = portfolio.zone().unwrap_or_else(TimeZone::system);
    let ago = |age: Span| SystemClock.now().to_zoned(zone.clone()).checked_sub(age).map(|then| then.timestamp());
    let before = match (before, older) {
        (Some(before), _) => before.begin(&zone),
        // An age that reaches back beyond all time means nothing at all.
        (None, older) => older.and_then(|age| ago(age).ok()).unwrap_or(Timestamp::MIN),
    };
    let _lock = StateLock::take(&portfolio.state_dir)?;
    let done = SqliteStore::open(&context.ledger())?.archive(before).await?;
    output.data(&done, || moved(&done))
}

fn moved(done: &Archived) -> String {
    if done.records == 0 {
        return "nothing was moved: there are no records of that age, or they are needed still".into();
    }
    let records = count(usize::try_from(done.records).unwrap_or(usize::MAX), "record");
    let (files, size) = (count(done.files.len(), "file"), bytes(done.bytes));
    let lines: String = done.files.iter().map(|file| format!("  {file}\n")).collect();
    let ledger = format!("the ledger had {} and has {}", bytes(done.before), bytes(done.after));
    let space = done.kept_space.as_ref().map(|why| format!("; its space is given back by the next archive: {why}"));
    format!("{records} were moved into {files} of {size}; {ledger}{}\n{lines}", space.unwrap_or_default())
}

async fn make(output: &Output, context: &Context, file: Option<Utf8PathBuf>, keep: usize) -> Result<(), CliError> {
    let (ledger, folder) = (context.ledger(), folder(context));
    let named = file.is_some();
    let to = file.unwrap_or_else(|| folder.join(backup_name(SystemClock.now())));
    let made = blocking(move || backup(&ledger, &to)).await??;
    if !named {
        prune_backups(&folder, keep).map_err(|err| CliError::files(&folder, err))?;
    }
    output.data(&made, || said(&made))
}

fn said(made: &Backup) -> String {
    let records = count(usize::try_from(made.records).unwrap_or(usize::MAX), "record");
    let with = match made.archives {
        0 => String::new(),
        files => format!(", with {} in `archive` beside it", count(files, "file")),
    };
    format!("{}: {records}, {}{with}, head {}", made.path, bytes(made.bytes), made.head)
}

async fn restore(output: &Output, context: &Context, file: &Utf8Path) -> Result<Exit, CliError> {
    let portfolio = &context.config.portfolio;
    if !file.is_file() {
        return Err(
            CliError::usage(format!("there is no file {file}")).hint("`dayfly store info` names the last backup")
        );
    }
    let lock = StateLock::take(&portfolio.state_dir)?;
    let now = SystemClock.now();
    let restored = dayfly_runner::restore(&lock, portfolio, &context.ledger(), file, now).await?;
    output.data(&restored, || back(&restored))?;
    Ok(Exit::Good)
}

fn back(restored: &Restored) -> String {
    let mut text = format!("the ledger is again as it was at record {}", restored.head.seq().0);
    match (&restored.replaced, &restored.kept) {
        (Some(replaced), Some(kept)) => {
            text.push_str(&format!("; the one that had come to record {} is kept as {kept}\n", replaced.seq().0));
        }
        (None, Some(kept)) => text.push_str(&format!("; the one that could not be read is kept as {kept}\n")),
        _ => text.push('\n'),
    }
    if !restored.in_doubt.is_empty() {
        let names: Vec<&str> = restored.in_doubt.iter().map(|attempt| attempt.as_str()).collect();
        text.push_str(&format!(
            "made since then, and in doubt: {}\nthe next run labels their issues, which wait for you; nothing is sent twice\n",
            names.join(", ")
        ));
    }
    text
}

async fn rebuild(output: &Output, context: &Context) -> Result<Exit, CliError> {
    let _lock = StateLock::take(&context.config.portfolio.state_dir)?;
    let rebuilt = SqliteStore::open(&context.ledger())?.rebuild().await?;
    output.data(&rebuilt, || mended(&rebuilt))?;
    Ok(if rebuilt.different == 0 { Exit::Good } else { Exit::Trouble })
}

fn mended(rebuilt: &Rebuilt) -> String {
    let records = count(usize::try_from(rebuilt.records).unwrap_or(usize::MAX), "record");
    if rebuilt.different == 0 {
        return format!("{records} were folded anew: it is what was stored");
    }
    let places = count(usize::try_from(rebuilt.different).unwrap_or(usize::MAX), "place");
    let lines: String = rebuilt.differences.iter().map(|line| format!("  {line}\n")).collect();
    format!("{records} were folded anew: {places} differed from what was stored, and were mended\n{lines}")
}

/// A size in the largest unit that it fills.
fn bytes(bytes: u64) -> String {
    match bytes {
        0..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{:.1} KiB", bytes as f64 / 1024.0),
        _ => format!("{:.1} MiB", bytes as f64 / 1_048_576.0),
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CliError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|err| CliError::environment("the ledger was not copied").with_source(err))
}
