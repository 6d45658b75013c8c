use super::*;

fn key(url: &str, token: &str) -> CacheKey {
    CacheKey { token: token.into(), accept: "json", url: url.into() }
}

fn kept(etag: &str, bytes: usize) -> Kept {
    Kept { etag: etag.into(), link: None, body: vec![b'x'; bytes].into() }
}

#[test]
fn an_answer_is_kept_for_its_token_and_place() {
    let mut cache = Cache::new(10, 1 << 20);
    cache.put(key("/a", "one"), kept("1", 10));
    assert_eq!(cache.get(&key("/a", "one")).unwrap().etag, "1");
    assert!(cache.get(&key("/a", "two")).is_none() && cache.get(&key("/b", "one")).is_none());
    cache.put(key("/a", "one"), kept("2", 10));
    assert_eq!((cache.get(&key("/a", "one")).unwrap().etag.as_str(), cache.kept.len(), cache.order.len()), ("2", 1, 1));
}

#[test]
fn the_oldest_leave_first_and_the_room_is_bounded() {
    let mut cache = Cache::new(3, 1 << 20);
    for n in 0..5 {
        cache.put(key(&format!("/{n}"), "t"), kept("e", 10));
    }
    assert!(cache.get(&key("/1", "t")).is_none() && cache.get(&key("/2", "t")).is_some());

    let mut cache = Cache::new(1000, 10_000);
    for n in 0..100 {
        cache.put(key(&format!("/{n}"), "t"), kept("e", 1000));
        let held: usize = cache.kept.iter().map(|(k, v)| weight(k, v)).sum();
        assert!(held <= 10_000 && held == cache.bytes);
    }
    // One giant would push out all others.
    let before = cache.kept.len();
    cache.put(key("/giant", "t"), kept("e", 5000));
    assert_eq!(cache.kept.len(), before);
}
