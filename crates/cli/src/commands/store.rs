//! `dayfly store`: the file of the ledger, its copies, and what is made from it.

use camino::{Utf8Path, Utf8PathBuf};
use dayfly_core::{Clock as _, Store as _};
use dayfly_runner::{
    Archive, Archived, Backup, Rebuilt, Restored, SqliteStore, StateLock, SystemClock, archives, backup, backup_name,
    prune_backups,
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
    if !matches!(command, StoreCommand::Restore { .. } | StoreCommand::Info) {
        context.made_ledger()?;
    }
    match command {
        StoreCommand::Restore { file } => return restore(output, context, &file).await,
        StoreCommand::Info => info(output, context).await?,
        StoreCommand::Backup { file, keep } => make(output, context, file, usize::from(keep)).await?,
        StoreCommand::Rebuild => return rebuild(output, context).await,
        StoreCommand::Archive { before, older } => archive(output, context, before, older).await?,
    }
    Ok(Exit::Good)
}

/// How the ledger stands.
#[derive(Debug, Serialize)]
struct Info {
    path: Utf8PathBuf,
    bytes: u64,
    #[serde(flatten)]
    read: Option<Read>,
    backups: Vec<Utf8PathBuf>,
}

/// What only a ledger that can be read tells.
#[derive(Debug, Serialize)]
struct Read {
    records: u64,
    head: String,
    format: u32,
    archives: Vec<Kept>,
}

/// An archive, and whether its file is there.
#[derive(Debug, Serialize)]
struct Kept {
    #[serde(flatten)]
    archive: Archive,
    missing: bool,
}

/// Tells of the copies even if the ledger itself cannot be read: then they are what is looked for.
async fn info(output: &Output, context: &Context) -> Result<(), CliError> {
    let path = context.ledger();
    if !path.exists() && context.backups().is_empty() {
        context.made_ledger()?;
    }
    let (read, wrong) = match read(context).await {
        Ok(read) => (Some(read), None),
        Err(err) => (None, Some(err)),
    };
    // What is not written into the file yet lies beside it.
    let size = |file: Utf8PathBuf| file.metadata().map_or(0, |file| file.len());
    let bytes = size(path.clone()) + size(Utf8PathBuf::from(format!("{path}-wal")));
    let info = Info { bytes, path, read, backups: context.backups() };
    output.data(&info, || shown(&info))?;
    wrong.map_or(Ok(()), Err)
}

async fn read(context: &Context) -> Result<Read, CliError> {
    let state = SqliteStore::open_read_only(&context.ledger())?.load().await?;
    Ok(Read {
        records: state.head.0,
        head: format!("{}:{}", state.head.0, state.hash),
        format: dayfly_core::FORMAT_VERSION,
        archives: kept(&context.ledger())?,
    })
}

fn shown(info: &Info) -> String {
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    let mut rows = vec![row("ledger", info.path.to_string()), row("size", bytes(info.bytes))];
    match &info.read {
        Some(read) => rows.extend([
            row("records", format!("{}, format {}", read.records, read.format)),
            row("head", read.head.clone()),
            row("archives", archived(&read.archives)),
        ]),
        None => rows.push(row("records", "cannot be read".into())),
    }
    match info.backups.split_first() {
        Some((last, older)) => {
            rows.push(row("last backup", last.to_string()));
            // Where the ledger cannot be read, the last one may not serve either.
            rows.extend(older.iter().filter(|_| info.read.is_none()).map(|path| row("", path.to_string())));
        }
        None if info.read.is_none() => rows.push(row("last backup", "none".into())),
        None => rows.push(row("last backup", "none; `dayfly store backup` makes one".into())),
    }
    columns(&rows)
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
    let (ledger, folder) = (context.ledger(), context.backup_dir());
    if let Some(file) = &file {
        free(file)?;
    }
    let named = file.is_some();
    let to = file.unwrap_or_else(|| folder.join(backup_name(SystemClock.now())));
    let made = blocking(move || backup(&ledger, &to)).await?;
    let made = made.map_err(|err| {
        CliError::environment("no copy was made").with_source(err).hint("`dayfly doctor` looks at the ledger")
    })?;
    if !named {
        prune_backups(&made.path, keep, SystemClock.now()).map_err(|err| CliError::files(&folder, err))?;
    }
    output.data(&made, || said(&made))
}

/// Whether a copy can get this name. A folder that is not there may be a disk that is not.
fn free(file: &Utf8Path) -> Result<(), CliError> {
    let folder = file.parent().filter(|folder| !folder.as_str().is_empty());
    if file.exists() {
        return Err(CliError::usage(format!("{file} exists already")).hint("give another name, or move it away"));
    }
    match folder.filter(|folder| !folder.is_dir()) {
        Some(folder) => {
            Err(CliError::usage(format!("there is no folder {folder}")).hint("make it, or name another one"))
        }
        None => Ok(()),
    }
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
