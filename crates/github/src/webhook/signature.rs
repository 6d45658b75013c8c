//! Whether a delivery is GitHub's.

use ring::hmac;

use super::{MAX_WEBHOOK_BYTES, WebhookError};

/// The length of an HMAC with SHA-256.
const TAG: usize = 32;

/// Whether the body was signed with one of the secrets.
///
/// `header` is `X-Hub-Signature-256`. Two secrets are for the time in which one takes the other's place. How long this
/// takes says nothing of the secrets, nor which of them it was.
///
/// # Errors
/// It was not, there is no signature of that form, the body is too large, or the secrets are none.
pub fn verify_webhook(secrets: &[impl AsRef<[u8]>], body: &[u8], header: Option<&str>) -> Result<(), WebhookError> {
    if secrets.is_empty() || secrets.len() > 2 || secrets.iter().any(|s| s.as_ref().is_empty()) {
        return Err(WebhookError::Secrets);
    }
    if body.len() > MAX_WEBHOOK_BYTES {
        return Err(WebhookError::TooLarge { bytes: body.len() });
    }
    let digits = header.and_then(|h| h.strip_prefix("sha256=")).ok_or(WebhookError::Unsigned)?;
    let tag = tag(digits).ok_or(WebhookError::WrongSignature)?;
    let good = secrets.iter().fold(false, |good, secret| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref());
        hmac::verify(&key, body, &tag).is_ok() | good
    });
    if good { Ok(()) } else { Err(WebhookError::WrongSignature) }
}

fn tag(digits: &str) -> Option<[u8; TAG]> {
    let digits = digits.as_bytes();
    if digits.len() != TAG * 2 {
        return None;
    }
    let mut tag = [0; TAG];
    for (byte, pair) in tag.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |at: usize| char::from(pair[at]).to_digit(16).and_then(|d| u8::try_from(d).ok());
        *byte = digit(0)? << 4 | digit(1)?;
    }
    Some(tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "It's a Secret to Everybody";
    const BODY: &[u8] = b"Hello, World!";
    const SIGNED: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    #[test]
    fn the_example_of_githubs_documentation_is_accepted() {
        assert!(verify_webhook(&[SECRET], BODY, Some(SIGNED)).is_ok());
    }

    #[test]
    fn either_of_two_secrets_will_do() {
        assert!(verify_webhook(&["old", SECRET], BODY, Some(SIGNED)).is_ok());
        assert!(verify_webhook(&[SECRET, "new"], BODY, Some(SIGNED)).is_ok());
        assert!(matches!(verify_webhook(&["old", "new"], BODY, Some(SIGNED)), Err(WebhookError::WrongSignature)));
    }

    #[test]
    fn what_is_not_signed_in_the_new_form_is_refused() {
        let old = format!("sha1={}", "0".repeat(40));
        for header in [None, Some(""), Some(old.as_str()), Some(&SIGNED[7..]), Some("SHA256=00")] {
            assert!(matches!(verify_webhook(&[SECRET], BODY, header), Err(WebhookError::Unsigned)), "{header:?}");
        }
    }

    #[test]
    fn a_change_of_any_digit_or_byte_is_noticed() {
        for at in 7..SIGNED.len() {
            let mut header = SIGNED.to_owned();
            let other = if &header[at..=at] == "0" { "1" } else { "0" };
            header.replace_range(at..=at, other);
            assert!(
                matches!(verify_webhook(&[SECRET], BODY, Some(&header)), Err(WebhookError::WrongSignature)),
                "{header}"
            );
        }
        assert!(verify_webhook(&[SECRET], b"Hello, World?", Some(SIGNED)).is_err());
        for header in
            ["sha256=", "sha256=zz", &SIGNED[..SIGNED.len() - 1], &format!("{SIGNED}0"), &format!("{SIGNED} ")]
        {
            assert!(
                matches!(verify_webhook(&[SECRET], BODY, Some(header)), Err(WebhookError::WrongSignature)),
                "{header}"
            );
        }
    }

    #[test]
    fn no_secret_is_no_check() {
        assert!(matches!(verify_webhook(&[] as &[&str], BODY, Some(SIGNED)), Err(WebhookError::Secrets)));
        assert!(matches!(verify_webhook(&[SECRET, ""], BODY, Some(SIGNED)), Err(WebhookError::Secrets)));
        assert!(matches!(verify_webhook(&["a", "b", SECRET], BODY, Some(SIGNED)), Err(WebhookError::Secrets)));
    }

    #[test]
    fn a_body_that_is_too_large_is_not_even_read() {
        let body = vec![0; MAX_WEBHOOK_BYTES + 1];
        assert!(matches!(verify_webhook(&[SECRET], &body, Some(SIGNED)), Err(WebhookError::TooLarge { .. })));
        assert!(matches!(super::super::parse_webhook("push", "d", &body), Err(WebhookError::TooLarge { .. })));
    }
}
