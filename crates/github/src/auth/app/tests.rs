use ring::signature::{RSA_PKCS1_2048_8192_SHA256, UnparsedPublicKey};

use super::*;

const PKCS1: &str = include_str!("../../../tests/data/test-only-pkcs1.pem");
const PKCS8: &str = include_str!("../../../tests/data/test-only-pkcs8.pem");

fn now() -> Timestamp {
    "2026-11-20T12:00:00Z".parse().unwrap()
}

#[test]
fn both_forms_of_a_key_sign_what_its_public_half_accepts() {
    for pem in [PKCS1, PKCS8] {
        let app = App::builder("Iv1.abc", pem).unwrap().build();
        let token = app.jwt(now()).unwrap();
        let parts: Vec<&str> = token.expose().split('.').collect();
        let [header, claims, signature] = parts[..] else { panic!("{parts:?}") };
        let decoded = |part| URL_SAFE_NO_PAD.decode(part).unwrap();
        let header: serde_json::Value = serde_json::from_slice(&decoded(header)).unwrap();
        assert_eq!(header, json!({ "alg": "RS256", "typ": "JWT" }));
        let said: serde_json::Value = serde_json::from_slice(&decoded(claims)).unwrap();
        let noon = now().as_second();
        assert_eq!(said, json!({ "iat": noon - 60, "exp": noon + 540, "iss": "Iv1.abc" }));

        let key = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, app.key.public().as_ref());
        let text = token.expose().rsplit_once('.').unwrap().0;
        key.verify(text.as_bytes(), &decoded(signature)).unwrap();
        key.verify(format!("{text}x").as_bytes(), &decoded(signature)).unwrap_err();
    }
}

#[test]
fn what_is_no_key_is_refused_without_being_shown() {
    let certificate = PKCS1.replace("RSA PRIVATE KEY", "CERTIFICATE");
    let cut = format!("{}\n-----END RSA PRIVATE KEY-----\n", PKCS1.lines().take(5).collect::<Vec<_>>().join("\n"));
    for pem in ["", "no key", &certificate, &cut] {
        let error = App::builder("1", pem).unwrap_err();
        assert!(matches!(error, GitHubError::Credentials { .. }));
        assert!(!format!("{error} {error:?}").contains(PKCS1.lines().nth(2).unwrap()));
    }
}

#[test]
fn a_token_is_used_until_shortly_before_its_end() {
    let app = App::builder("1", PKCS1).unwrap().build();
    let grant = Grant { installation: InstallationId(5), only: None };
    let token = Token::new("ghs_1").unwrap();
    let expires = now() + SignedDuration::from_mins(60);
    app.keep(grant.clone(), Granted { token: token.clone(), expires });
    let later = |minutes| now() + SignedDuration::from_mins(minutes);
    assert_eq!(app.cached(&grant, later(54)), Some(token.clone()));
    assert_eq!(app.cached(&grant, later(55)), None);
    let other = Grant { only: Some(ForgeRepo::new("o/r").unwrap()), ..grant.clone() };
    assert_eq!(app.cached(&other, now()), None);
    app.forget(&token);
    assert_eq!(app.cached(&grant, now()), None);
}
