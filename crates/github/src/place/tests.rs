use super::*;

fn place(base: &str) -> Place {
    Place::new(base).unwrap()
}

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn question() -> Call {
    let mut call = Call::post("/graphql");
    call.graphql = true;
    call
}

#[test]
fn graphql_lies_beside_the_rest_of_a_server() {
    let ask = |base: &str| place(base).url(&question()).unwrap().to_string();
    assert_eq!(ask("https://api.github.com"), "https://api.github.com/graphql");
    assert_eq!(ask("https://git.corp.example/api/v3/"), "https://git.corp.example/api/graphql");
    let read = place("https://git.corp.example/api/v3").url(&Call::get("/user?a=b")).unwrap();
    assert_eq!(read.to_string(), "https://git.corp.example/api/v3/user?a=b");
}

#[test]
fn the_token_goes_to_one_host_alone() {
    let github = place("https://api.github.com");
    assert!(github.is_own(&url("https://api.github.com/repositories/1")));
    for other in [
        "https://api.github.com.evil.example/",
        "http://api.github.com/",
        "https://api.github.com:444/",
        "https://user@api.github.com/",
        "https://github.com/",
    ] {
        assert!(!github.is_own(&url(other)), "{other}");
    }
    assert!(github.is_as_safe(&url("https://logs.example/x")) && !github.is_as_safe(&url("http://logs.example/x")));
    assert!(!github.is_as_safe(&url("http://127.0.0.1/x")));
}

#[test]
fn a_path_cannot_lead_to_another_host() {
    let github = place("https://api.github.com");
    for path in ["@evil.example/", ".evil.example/", ":444/", "//evil.example/"] {
        let led = github.url(&Call::get(path));
        assert!(led.map_or(true, |url| github.is_own(&url)), "{path}");
    }
}

#[test]
fn a_repository_that_moved_is_told_from_an_issue_that_did() {
    let github = place("https://h.example/api/v3");
    let same = |a: &str, b: &str| {
        let at = |path: &str| url(&format!("https://h.example/api/v3{path}"));
        github.same_below(&at(a), &at(b))
    };
    assert!(same("/repos/o/r", "/repositories/7"));
    assert!(same("/repos/o/r/issues/5?a=b", "/repositories/7/issues/5"));
    assert!(same("/repos/o/r/issues/5", "/repos/o/new/issues/5"));
    assert!(!same("/repos/o/r/issues/5", "/repositories/7/issues/6"));
    assert!(!same("/repos/o/r/issues/5", "/user"));
    assert!(!same("/repos/o/r/issues/5", "/repositories/x/issues/5"));
}

#[test]
fn git_goes_to_the_host_of_the_pages() {
    let repository = ForgeRepo::new("o/r").unwrap();
    let git = |base: &str| place(base).git(&repository);
    assert_eq!(git("https://api.github.com"), "https://github.com/o/r.git");
    assert_eq!(git("https://api.corp.ghe.com"), "https://corp.ghe.com/o/r.git");
    assert_eq!(git("https://git.corp.example/api/v3"), "https://git.corp.example/o/r.git");
    assert_eq!(git("https://api.corp.example/api/v3"), "https://api.corp.example/o/r.git");
    assert_eq!(git("http://127.0.0.1:4000"), "http://127.0.0.1:4000/o/r.git");
}
