//! Real processes: who works in a world, and how they are stopped, paused and killed.

use std::time::{Duration, Instant};

use camino::Utf8Path;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Waits without a tick of work.
pub(crate) fn rest(duration: Duration) {
    let end = Instant::now() + duration;
    while let Some(left) = end.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    // Whoever has ended meanwhile needs no signal.
    let _ = kill(Pid::from_raw(i32::try_from(pid).unwrap()), signal);
}

/// The world's mark, once it has one.
fn mark(dir: &Utf8Path) -> Option<Vec<u8>> {
    let tag = std::fs::read_to_string(dir.join(".dayfly/installation")).ok()?;
    Some(format!("DAYFLY_TAG={}", tag.trim()).into_bytes())
}

/// The processes that carry the world's mark.
pub(crate) fn marked(dir: &Utf8Path) -> Vec<u32> {
    let Some(mark) = mark(dir) else { return Vec::new() };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|b| *b == 0).any(|entry| entry == mark)
    })
    .collect()
}

/// The keepers among them.
pub(crate) fn keepers(dir: &Utf8Path) -> Vec<u32> {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_dayfly-job"));
    let is_keeper = |pid: &u32| std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == program);
    marked(dir).into_iter().filter(is_keeper).collect()
}

/// Who is still there when everything must be over; a moment is given to what is just ending.
pub(crate) fn orphans(dir: &Utf8Path) -> Vec<String> {
    let end = Instant::now() + Duration::from_secs(5);
    loop {
        let left = marked(dir);
        if left.is_empty() || Instant::now() > end {
            let told = |pid: &u32| {
                let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
                format!("process {pid}: {}", String::from_utf8_lossy(&line).replace('\0', " "))
            };
            return left.iter().map(told).collect();
        }
        rest(Duration::from_millis(20));
    }
}
