//! Which program keeps the attempts.

use dayfly_runner::Keeper;

use crate::error::CliError;

/// `dayfly-job` beside this program, which is small; or else this program itself.
pub(crate) fn keeper() -> Result<Keeper, CliError> {
    let own = std::env::current_exe()
        .map_err(|err| CliError::environment("cannot find out which program this is").with_source(err))?;
    let small = own.with_file_name("dayfly-job");
    let program = if small.is_file() { small } else { own };
    let keeper = Keeper::new(program);
    Ok(match std::env::var("HOME") {
        Ok(home) => keeper.user_home(home),
        Err(_) => keeper,
    })
}
