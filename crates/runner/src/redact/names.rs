//! Names of variables that hold secrets.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;

use super::Secret;

const WORDS: [&str; 7] = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "PASSPHRASE", "CREDENTIAL"];
/// These are words only when they stand alone: many others end like them.
const ALONE: [&str; 3] = ["AUTH", "OAUTH", "PASS"];
/// What ends so names a place, and not the secret that may be there.
const PLACES: [&str; 4] = ["FILE", "PATH", "DIR", "SOCK"];

/// Whether the name of an environment variable says that its value is secret.
///
/// Its parts are looked at one by one, in any case, without a number or a plural at their end: `GITHUB_TOKEN`,
/// `db-passwords`, `APIKEY` and `SECRET_2` say so. `AUTHOR`, `KEYBOARD`, `SSH_AUTH_SOCK` and `TOKEN_FILE` do not.
pub fn looks_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let mut parts = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|part| !part.is_empty());
    if parts.clone().next_back().is_some_and(|last| PLACES.contains(&last)) {
        return false;
    }
    parts.any(|part| {
        let part = part.trim_end_matches(|c: char| c.is_ascii_digit());
        let one = part.strip_suffix('S').unwrap_or(part);
        ALONE.contains(&part) || WORDS.iter().any(|word| part.ends_with(word) || one.ends_with(word))
    })
}

/// The secrets in an environment: what its names say, and what is `named` besides.
pub(crate) fn secrets_of(environment: impl IntoIterator<Item = (OsString, OsString)>, named: &[String]) -> Vec<Secret> {
    let secret = |(name, value): (OsString, OsString)| {
        let name = name.into_string().ok()?;
        let wanted = looks_secret(&name) || named.contains(&name);
        wanted.then(|| Secret::new(name, value.into_vec()))
    };
    environment.into_iter().filter_map(secret).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_so_by_its_parts() {
        for name in [
            "GITHUB_TOKEN",
            "ANTHROPIC_API_KEY",
            "APIKEY",
            "apiKey",
            "PGPASSWORD",
            "DB_PASS",
            "my-passwd",
            "SECRET_2",
            "TOKENS",
            "HTTP_AUTH",
            "AWS_SECRET_ACCESS_KEY",
            "GOOGLE_CREDENTIALS",
            "KEY1",
            "_AUTH_TOKEN",
            "npm_config__authToken",
        ] {
            assert!(looks_secret(name), "{name}");
        }
        for name in [
            "PATH",
            "HOME",
            "GIT_AUTHOR_NAME",
            "KEYBOARD_LAYOUT",
            "TOKENIZER",
            "SSH_AUTH_SOCK",
            "XAUTHORITY",
            "PASSAGE",
            "NPM_TOKEN_FILE",
            "COMPASS",
            "",
            "___",
            "42",
        ] {
            assert!(!looks_secret(name), "{name}");
        }
    }
}
