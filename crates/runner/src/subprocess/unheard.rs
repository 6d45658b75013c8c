//! A keeper that ends before it says anything.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::time::Duration;

use tokio::process::Child;

/// How long a keeper that closed its pipes may take to be gone.
const BURIAL: Duration = Duration::from_secs(1);

/// Why it said nothing. One that was ended by somebody else's signal says nothing against its program or the machine, and
/// the next one may fare better: the error is one that passes.
pub(super) async fn unheard(keeper: &mut Child, otherwise: Option<io::Error>) -> io::Error {
    let signal = match tokio::time::timeout(BURIAL, keeper.wait()).await {
        Ok(Ok(ended)) => ended.signal(),
        Ok(Err(_)) | Err(_) => None,
    };
    match signal {
        Some(signal) => io::Error::new(io::ErrorKind::BrokenPipe, format!("the keeper was ended by signal {signal}")),
        None => otherwise.unwrap_or_else(|| io::Error::other("the keeper ended before it had started anything")),
    }
}
