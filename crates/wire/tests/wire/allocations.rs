//! Decoding allocates nothing once its buffers have grown, and gives them back after a huge frame.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::thread::LocalKey;

use stoop_wire::{Decoder, Limits};

struct Counting;

thread_local! {
    /// Of this thread: that of the test runner may allocate at any time.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
    /// Bytes allocated and not freed, wrapping.
    static LIVE: Cell<u64> = const { Cell::new(0) };
}

fn add(counter: &'static LocalKey<Cell<u64>>, count: u64) {
    counter.with(|counter| counter.set(counter.get().wrapping_add(count)));
}

#[expect(unsafe_code, reason = "an allocator is the only place that sees every allocation")]
// SAFETY: every call goes to the system allocator with the arguments it came with; counting touches no memory but
// two numbers of the thread, which need no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(&ALLOCATIONS, 1);
        add(&LIVE, layout.size() as u64);
        // SAFETY: the caller keeps the contract of this method, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        add(&LIVE, (layout.size() as u64).wrapping_neg());
        // SAFETY: the pointer came from `System`, as all of this allocator's do.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        add(&ALLOCATIONS, 1);
        add(&LIVE, (new_size as u64).wrapping_sub(layout.size() as u64));
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, new_size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Every operation, escapes, a batch, unknown members and bad frames.
const FRAMES: &[&str] = &[
    r#"{"v":1,"t":"tweet","op":"content","id":"2064689031777615872","ts":1781095200123,"d":{"tweetId":"2064689031777615872","kind":"post","text":"New token live. CA: 9xQeWvG816bUx9EP...\n\ud83d\ude80","createdAt":1781095199900,"receivedAt":1781095200108,"author":{"id":7,"handle":"@marketdesk","name":"Market Account","metrics":{"likes":1}},"media":[{"type":"image","url":"https://pbs.twimg.com/media/sample-token-chart.jpg"}],"mentions":[{"handle":"@a"}],"urls":[{"url":"https://example.com"}],"ref":{"type":"quote","author":{"handle":"@b"},"media":[{}]}}}"#,
    r#"{"v":1,"t":"tweet","op":"update","d":{"tweetId":2064689031777615872,"text":"","urls":[],"zone":1,"mood":2}}"#,
    r#"{"v":1,"t":"tweet","op":"meta","id":"2064689031777615872","ts":1781095200340,"d":{"tweetId":"2064689031777615872","ocr":{"text":"ticker $EDGE, liquidity rising"},"detected":{"tokens":[{"symbol":"EDGE","contract":"9xQeWvG816bUx9EP...","chain":"solana","networkId":1,"priceUsd":0.0042,"sources":["text","ocr"]}],"cex":[{"exchange":"bybit","priceUsd":64250.5}],"prediction":[{"priceUsd":1e-300}]}}}"#,
    r#"{"t":"tweet","op":"delete","d":{"tweetId":"1","eventId":"e","deletedAt":1,"author":{"handle":"@a"}}}"#,
    r#"{"t":"tweet","op":"pin","d":{"tweetId":"1","action":"pin","tweet":{"tweetId":"1","media":[{"url":"u"}]}}}"#,
    r#"{"t":"tweet","op":"unpin","d":{"tweetId":"1","text":7e0}}"#,
    r#"{"t":"account","op":"profile_update","d":{"kind":"PROFILE","changes":{"bio":null,"verifiedLabel":null}}}"#,
    r#"{"t":"account","op":"follow","d":{"kind":"FOLLOW","actor":{"id":"1"},"target":{"id":"2"}}}"#,
    r#"{"t":"account","op":"unfollow","d":{"kind":"FOLLOW","actor":{"id":"1","followersCount":"x"}}}"#,
    r#"{"t":"account","op":"callout","d":{"any":["thing"]}}"#,
    r#"{"t":"control","op":"twitter_handles_result","d":{"results":[{"input":"a","state":"added"},{"state":"x"}]}}"#,
    r#"{"t":"control","op":"auth_ping"}"#,
    r#"{"t":"control","op":"auth_pong","d":1}"#,
    r#"{"t":"tweet","op":"poll","d":{}}"#,
    r#"{"t":"space","op":"poll","d":{}}"#,
    r#"[{"t":"tweet","op":"delete","d":{"tweetId":"1"}},{},7]"#,
    r#"{"t":"tweet","op":"content","d":{"tweetId":"1","tweetId":"2"}}"#,
    r#"{"t":"tweet","op":"content","d":{"tweetId":"1","text":"\ud800"}}"#,
    r#"{"t":"tweet","op":"content","d":{"createdAt":1e400}}"#,
    r#"{"t":"tweet""#,
    "",
];

#[test]
fn steady_state_allocates_nothing() {
    let before = ALLOCATIONS.get();
    drop(std::hint::black_box(Box::new(7)));
    assert_eq!(ALLOCATIONS.get(), before + 1, "the counter counts");

    let mut decoder = Decoder::new(Limits::default());
    let (mut good, mut bad) = (0, 0);
    let mut decode = |frame: &str| {
        decoder.decode(frame.as_bytes(), |event| match event {
            Ok(_) => good += 1,
            Err(_) => bad += 1,
        });
    };
    for frame in FRAMES {
        decode(frame);
    }
    let before = ALLOCATIONS.get();
    for frame in FRAMES.iter().cycle().take(10_000) {
        decode(frame);
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
    let live = LIVE.get();
    decode(&format!(r#"{{"t":"tweet","op":"poll","d":{{"zone":[{}0]}}}}"#, "0,".repeat(500_000)));
    let grown = LIVE.get() - live;
    assert!(grown > 10_000_000, "the tape of half a million numbers takes {grown} bytes");
    for frame in FRAMES.iter().cycle().take(100) {
        decode(frame);
    }
    assert!(LIVE.get() <= live + 65_536, "small frames again: the buffers are small again");
    assert!(good > 7000 && bad > 2000, "{good} good and {bad} bad");
}
