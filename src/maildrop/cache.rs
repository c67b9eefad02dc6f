//! Bodies in memory: least recently used first out, bounded by octets.
//!
//! Whoever walks through the mailbox hardly comes by the same message twice, so what a walk has
//! passed goes before everything else. Else it would push out what was fetched ahead of the walk,
//! which is as large, and was there before.

use lru::LruCache;

use super::fetch::Fetch;
use super::octets::Body;
use super::status::CacheStatus;

/// The cache of whole bodies, and of beginnings.
#[derive(Debug)]
pub(super) struct Cache {
    bodies: LruCache<Fetch, Body>,
    passed: LruCache<Fetch, Body>,
    used: usize,
    limit: usize,
}

impl Cache {
    /// An empty cache of at most `limit` octets, and what is in use beyond.
    pub fn new(limit: usize) -> Self {
        Self {
            bodies: LruCache::unbounded(),
            passed: LruCache::unbounded(),
            used: 0,
            limit,
        }
    }

    /// The message's body, which thereby becomes the most recently used.
    pub fn touch(&mut self, fetch: Fetch) -> Option<Body> {
        if let Some(body) = self.passed.pop(&fetch) {
            self.bodies.put(fetch, body);
        }
        let body = self.bodies.get(&fetch).cloned();
        self.shrink();
        body
    }

    /// One who walks has come to the message.
    pub fn pass(&mut self, fetch: Fetch) {
        if let Some(body) = self.bodies.pop(&fetch) {
            self.passed.put(fetch, body);
        }
    }

    /// The message's body; counts as no use.
    pub fn get(&self, fetch: Fetch) -> Option<Body> {
        let body = self.bodies.peek(&fetch);
        body.or_else(|| self.passed.peek(&fetch)).cloned()
    }

    /// Whether the message's body is here; counts as no use.
    pub fn holds(&self, fetch: Fetch) -> bool {
        self.bodies.contains(&fetch) || self.passed.contains(&fetch)
    }

    /// Takes a body in, and lets others go until the limit is kept.
    pub fn insert(&mut self, fetch: Fetch, body: Body) {
        self.remove(fetch);
        self.used += body.len();
        self.bodies.put(fetch, body);
        self.shrink();
    }

    /// Lets one body go.
    pub fn remove(&mut self, fetch: Fetch) {
        let body = self.bodies.pop(&fetch);
        if let Some(body) = body.or_else(|| self.passed.pop(&fetch)) {
            self.used -= body.len();
        }
    }

    /// What is held of how much.
    pub fn status(&self) -> CacheStatus {
        CacheStatus {
            limit: self.limit as u64,
            used: self.used as u64,
            messages: (self.bodies.len() + self.passed.len()) as u64,
        }
    }

    /// Keeps the limit, as far as bodies are not in use; some may have been, the last time.
    pub fn shrink(&mut self) {
        while self.used > self.limit && self.evict() {}
    }

    /// A body that a program has open would not leave memory, only be fetched twice: it stays.
    fn evict(&mut self) -> bool {
        let in_turn = self.passed.iter().rev().chain(self.bodies.iter().rev());
        let mut idle = in_turn.filter(|(_, body)| !body.is_in_use());
        let first = idle.next().map(|(&fetch, _)| fetch);
        first.inspect(|&fetch| self.remove(fetch)).is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::super::message::MessageId;
    use super::*;

    fn id(index: u32) -> Fetch {
        Fetch::whole(MessageId(index))
    }

    /// Octets held, octets allowed, and bodies held.
    fn usage(cache: &Cache) -> (u64, u64, u64) {
        let status = cache.status();
        (status.used, status.limit, status.messages)
    }

    fn body(length: usize) -> Body {
        vec![b'x'; length].into()
    }

    #[test]
    fn the_least_recently_used_goes_first() {
        let mut cache = Cache::new(30);
        for index in 0..3 {
            cache.insert(id(index), body(10));
        }
        cache.touch(id(0));
        cache.insert(id(3), body(10));
        assert!(cache.holds(id(0)) && !cache.holds(id(1)));
        assert_eq!(usage(&cache), (30, 30, 3));
    }

    #[test]
    fn what_a_walk_has_passed_goes_before_what_lies_ahead_of_it() {
        let mut cache = Cache::new(30);
        (0..3).for_each(|index| cache.insert(id(index), body(10)));
        cache.pass(id(1));
        cache.pass(id(2));
        cache.insert(id(3), body(10));
        assert!(cache.holds(id(0)) && !cache.holds(id(1)) && cache.holds(id(2)));
        cache.touch(id(2));
        cache.insert(id(4), body(10));
        assert!(!cache.holds(id(0)) && cache.holds(id(2)));
        assert_eq!(usage(&cache), (30, 30, 3));
    }

    #[test]
    fn a_body_in_use_is_never_let_go() {
        let mut cache = Cache::new(10);
        cache.insert(id(0), body(10));
        let open = cache.touch(id(0));
        cache.insert(id(1), body(10));
        assert!(cache.holds(id(0)) && !cache.holds(id(1)));
        drop(open);
        cache.insert(id(2), body(10));
        assert!(!cache.holds(id(0)) && cache.holds(id(2)));
    }

    #[test]
    fn a_body_larger_than_the_cache_does_not_stay() {
        let mut cache = Cache::new(10);
        cache.insert(id(0), body(100));
        assert_eq!(usage(&cache), (0, 10, 0));
    }

    #[test]
    fn a_body_that_was_in_use_leaves_once_it_is_not() {
        let mut cache = Cache::new(10);
        let large = body(100);
        cache.insert(id(0), large.clone());
        assert_eq!(usage(&cache), (100, 10, 1));
        drop(large);
        cache.touch(id(1));
        assert_eq!(usage(&cache), (0, 10, 0));
    }

    #[test]
    fn a_second_version_takes_the_place_of_the_first() {
        let mut cache = Cache::new(100);
        cache.insert(id(0), body(10));
        cache.insert(id(0), body(20));
        assert_eq!(usage(&cache), (20, 100, 1));
    }
}
