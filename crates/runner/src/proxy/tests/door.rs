//! Who gets in, with what, and where to.

use super::*;

#[tokio::test]
async fn the_key_is_put_in_on_the_way_there_and_masked_on_the_way_back() {
    let world = World::new().await;
    let mut attempt = world.send("{\"hello\":1}").await;
    let mut asked = world.asked().await;
    let head = asked.head.to_ascii_lowercase();
    assert!(head.starts_with("post /v1/messages http/1.1\r\n"), "{head}");
    assert!(head.contains(&format!("\r\nx-api-key: {KEY}\r\n")) && !head.contains(TOKEN), "{head}");
    let host = world.vendor.local_addr().unwrap();
    assert!(head.contains(&format!("\r\nhost: {host}\r\n")) && !head.contains("4711"), "{head}");
    assert_eq!(asked.body, "{\"hello\":1}");
    // A gateway that tells everything it was sent, in its headers, in two parts and in another form.
    let echo = format!("{{\"said\":\"{KEY}\",\"again\":\"{}\"}}", KEY.chars().rev().collect::<String>());
    let (first, second) = echo.split_at(20);
    let length = echo.len();
    asked.say(&format!("HTTP/1.1 401 no\r\nx-echo: {KEY}\r\ncontent-length: {length}\r\n\r\n{first}")).await;
    let mut heard = attempt.hears("{\"said\":\"").await;
    asked.say(second).await;
    heard.push_str(&attempt.hears("\"}").await);
    assert!(heard.starts_with("HTTP/1.1 401 ") && heard.contains("****"), "{heard}");
    for size in [8, KEY.len()] {
        let parts = KEY.as_bytes().windows(size).map(|part| String::from_utf8(part.to_vec()).unwrap());
        let shown: Vec<_> = parts.skip(1).filter(|part| heard.contains(part)).collect();
        assert!(shown.is_empty(), "{shown:?}: {heard}");
    }
    assert!(!heard.contains("x-echo"), "{heard}");
}

#[tokio::test]
async fn the_beginning_that_all_keys_have_is_no_secret() {
    let begin = "sk-vendor-api03-";
    let world = World::with(|spec| spec.key = SecretKey::new(format!("{begin}0123456789abcdefghijklmnopqrstuv"))).await;
    let mut attempt = world.send("{}").await;
    let mut asked = world.asked().await;
    asked.answer("200 OK", "", &format!("write {begin}... for 0123456789abcdef")).await;
    let heard = attempt.answer().await;
    assert!(heard.ends_with(&format!("write {begin}... for ****************")), "{heard}");
}

#[tokio::test]
async fn each_vendor_gets_its_key_as_it_wants_it_and_refuses_in_its_own_words() {
    let bearer = format!("authorization: Bearer {TOKEN}\r\n");
    let google = format!("x-goog-api-key: {TOKEN}\r\n");
    for (protocol, path, header, real) in [
        (Protocol::OpenAi, "/v1/responses", &bearer, format!("authorization: Bearer {KEY}")),
        (Protocol::Gemini, "/v1beta/models/m:generateContent", &google, format!("x-goog-api-key: {KEY}")),
    ] {
        let set = |spec: &mut ProxySpec| {
            (spec.protocol, spec.sent, spec.allow) = (protocol, protocol.key_sent(), protocol.paths());
        };
        let world = World::with(set).await;
        let mut attempt = world.connect().await;
        attempt.say(&post(path, header, "{}")).await;
        let mut asked = world.asked().await;
        assert!(asked.head.contains(&real) && !asked.head.contains(TOKEN), "{}", asked.head);
        asked.answer("200 OK", "", "{}").await;
        attempt.hears("{}").await;

        attempt.say(&post(path, "connection: close\r\nx-api-key: guessed\r\n", "{}")).await;
        let refused = attempt.rest().await;
        assert!(refused.starts_with("HTTP/1.1 401 ") && refused.contains("x-should-retry: false"), "{refused}");
        let error = json(&refused)["error"].clone();
        match protocol {
            Protocol::OpenAi => assert_eq!(error["type"], "authentication_error"),
            _ => assert_eq!((&error["code"], &error["status"]), (&401.into(), &"UNAUTHENTICATED".into())),
        }
    }
}

#[tokio::test]
async fn there_is_no_way_to_another_address() {
    let world = World::new().await;
    let key = format!("x-api-key: {TOKEN}\r\nconnection: close\r\n");
    let upgrade = format!("x-api-key: {TOKEN}\r\nconnection: upgrade, close\r\nupgrade: websocket\r\n");
    for (request, status, kind) in [
        (post("http://elsewhere.example.com/v1/messages", &key, ""), "400", "invalid_request_error"),
        ("CONNECT elsewhere.example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n".to_owned(), "405", "invalid_request_error"),
        (post("/v1/messages", &upgrade, ""), "400", "invalid_request_error"),
        (post("/v1/files", &key, ""), "403", "permission_error"),
        (post("/v1/messages", "connection: close\r\n", ""), "401", "authentication_error"),
    ] {
        let mut attempt = world.connect().await;
        attempt.say(&request).await;
        let refused = attempt.answer().await;
        assert!(refused.starts_with(&format!("HTTP/1.1 {status} ")), "{request}: {refused}");
        let error = json(&refused);
        assert_eq!((&error["type"], &error["error"]["type"]), (&"error".into(), &kind.into()), "{refused}");
    }
    assert_eq!(world.proxy().spent().requests, 0);
    let nobody = timeout(Duration::ZERO, world.vendor.accept()).await;
    assert!(nobody.is_err(), "something reached the vendor");
}

#[tokio::test]
async fn a_redirect_is_neither_followed_nor_told() {
    let world = World::new().await;
    let attempt = world.send("{}").await;
    let mut asked = world.asked().await;
    asked.answer("307 elsewhere", "location: http://elsewhere.example.com/\r\nconnection: close\r\n", "").await;
    asked.left().await;
    let mut attempt = attempt;
    let heard = attempt.answer().await;
    assert!(heard.starts_with("HTTP/1.1 502 ") && !heard.contains("elsewhere.example"), "{heard}");
}

#[tokio::test]
async fn a_vendor_that_is_not_there_or_hangs_up_is_told_in_its_own_words() {
    let world = World::new().await;
    let mut attempt = world.send("{}").await;
    drop(world.asked().await);
    let cut = attempt.answer().await;
    assert!(cut.starts_with("HTTP/1.1 502 ") && json(&cut)["error"]["type"] == "api_error", "{cut}");

    let World { vendor, proxy, dir } = world;
    drop(vendor);
    let mut attempt = Attempt(UnixStream::connect(proxy.as_ref().unwrap().socket()).await.unwrap());
    attempt.say(&post("/v1/messages", &format!("x-api-key: {TOKEN}\r\n"), "{}")).await;
    let dead = attempt.answer().await;
    assert!(dead.starts_with("HTTP/1.1 502 ") && json(&dead)["error"]["type"] == "api_error", "{dead}");
    let why = proxy.as_ref().unwrap().watch().borrow().unreachable.clone();
    assert!(why.is_some_and(|why| why.contains("refused")));
    drop(dir);
}

#[tokio::test]
async fn what_is_too_large_or_too_slow_is_refused() {
    let world = World::with(|spec| {
        spec.limits.body_bytes = 1000;
        spec.limits.idle = Duration::from_millis(300);
    })
    .await;
    let mut attempt = world.connect().await;
    let chunk = format!("400\r\n{}\r\n", "x".repeat(0x400));
    let head =
        format!("POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {TOKEN}\r\ntransfer-encoding: chunked\r\n\r\n");
    attempt.say(&format!("{head}{chunk}")).await;
    assert!(attempt.answer().await.starts_with("HTTP/1.1 413 "));

    let mut attempt = world.send("{}").await;
    let (_silent, _) = soon("a connection", world.vendor.accept()).await.unwrap();
    let slow = attempt.answer().await;
    assert!(slow.starts_with("HTTP/1.1 504 "), "{slow}");
}

#[tokio::test]
async fn only_its_owner_can_use_the_socket_and_it_goes_with_the_proxy() {
    let mut world = World::new().await;
    let socket = world.proxy().socket().to_owned();
    let mode = |path: &Utf8Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&socket), mode(socket.parent().unwrap())), (0o600, 0o700));
    assert_eq!(fs::read_dir(socket.parent().unwrap()).unwrap().count(), 1);
    let mut attempt = world.send("{}").await;
    let asked = world.asked().await;
    world.proxy = None;
    assert!(!socket.exists());
    asked.left().await;
    let mut rest = Vec::new();
    let _ = soon("the end of the attempt's connection", attempt.0.read_to_end(&mut rest)).await;
    // Another one takes its place, and what a killed one left.
    let spec = spec(&world.dir, format!("http://{}", world.vendor.local_addr().unwrap()));
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    let shown = format!("{spec:?}");
    assert!(shown.contains("***") && !shown.contains(KEY) && !shown.contains(TOKEN), "{shown}");
    world.proxy = Some(Proxy::start(spec).unwrap());
    let _attempt = world.send("{}").await;
    world.asked().await;
    let shown = format!("{:?}", world.proxy());
    assert!(!shown.contains(KEY) && !shown.contains(TOKEN), "{shown}");
}

#[tokio::test]
async fn what_cannot_work_is_refused_at_the_start() {
    let dir = tempfile::tempdir().unwrap();
    let error = |change: &dyn Fn(&mut ProxySpec)| {
        let mut spec = spec(&dir, "http://127.0.0.1:1".into());
        change(&mut spec);
        Proxy::start(spec).map(drop).unwrap_err().to_string()
    };
    let clear = error(&|spec| spec.upstream = "http://api.example.com".into());
    assert!(clear.contains("write it with https"), "{clear}");
    let key = error(&|spec| spec.key = SecretKey::new("a\nb"));
    assert!(key.contains("no header can hold") && !key.contains("a\nb"), "{key}");
    assert!(error(&|spec| spec.token = SecretKey::new("short")).contains("can be guessed"));
    assert!(error(&|spec| spec.budget.micro_usd = Some(1)).contains("no prices"));
    let long = error(&|spec| spec.socket = spec.socket.join("x".repeat(120)).join("sock"));
    assert!(long.contains("cannot make the socket"), "{long}");
}
