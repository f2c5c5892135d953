//! Decode, merge and signal allocate nothing for a frame that leads to no decision, once buffers have grown.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use stoop_engine::{Bounds, Input, Pipeline, Receipt, RuleSet, Window};

struct Counting;

thread_local! {
    static COUNT: Cell<u64> = const { Cell::new(0) };
}

fn count() {
    COUNT.with(|count| count.set(count.get() + 1));
}

#[expect(unsafe_code, reason = "counting allocations takes an allocator")]
// SAFETY: every call goes to the system allocator unchanged; the counter is a plain cell of the thread.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
        // SAFETY: the caller's promises are passed on.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

fn allocations(mut work: impl FnMut()) -> u64 {
    let before = COUNT.with(Cell::get);
    work();
    COUNT.with(Cell::get) - before
}

/// Every sort of rule, none of which decides on the frames below.
const RULES: &str = r#"
    [[rule]]
    name = "terms"
    any = ["will list", "delist*"]
    all = ["binance", "usdt"]
    in = ["text", "first_line", "ref", "ocr", "mentions", "urls", "bio", "name"]
    [[rule]]
    name = "substring"
    any = ["never here"]
    match = "substring"
    [[rule]]
    name = "authors"
    authors = ["@somebody", "id:999999"]
    [[rule]]
    name = "origin"
    platforms = ["truth_social"]
    min_followers = 1000000
    verified = ["government"]
    [[rule]]
    name = "assets"
    assets = { addresses = true, prediction = ["kalshi"] }
    [[rule]]
    name = "market"
    any = ["frame"]
    assets = { cex = ["hyperliquid"] }
    [[rule]]
    name = "branches"
    any_of = [{ any = ["never"] }, { assets = { cex = ["hyperliquid"] } }]
    [[rule]]
    name = "enriched"
    fire = "enriched"
    assets = { addresses = true }
    [[rule]]
    name = "content"
    fire = "content"
    any = ["never"]
    [[rule]]
    name = "stale"
    max_age = "1s"
    any = ["frame"]
    [[alias]]
    terms = ["never"]
    market = "hyperliquid:DOGE"
"#;

const WINDOW: usize = 512;

/// The frames of tweet `id`: content, update, meta. Their lengths repeat every few tweets.
fn frames(id: u64) -> [String; 3] {
    let padding = "and so on ".repeat((id % 7) as usize * 8);
    let ts = 1_781_095_200_000 + id * 3;
    let tweet = (1_217_991_389_834_661_888 + id).to_string();
    let content = format!(
        r#"{{"v":1,"t":"tweet","op":"content","id":"{tweet}","ts":{ts},"d":{{"tweetId":"{tweet}","kind":"quote","text":"Frame {id}: $AB … it’s “new” 🚀 é https://t.co/x @who {padding}","createdAt":1581095199900,"receivedAt":{ts},"author":{{"id":"{id}","handle":"@Desk","name":"Market Däsk","bio":"news {padding}","followersCount":5,"verifiedType":"blue","verifiedLabel":null}},"media":[{{"type":"image","url":"https://pbs.twimg.com/{id}"}}],"mentions":[{{"handle":"@who","id":"1"}}],"urls":[{{"url":"https://example.org/{id}","tco":"https://t.co/x"}}],"ref":{{"type":"quote","text":"They said {padding}","author":{{"handle":"@other"}}}}}}}}"#
    );
    let update = format!(
        r#"{{"v":1,"t":"tweet","op":"update","ts":{ts},"d":{{"tweetId":"{tweet}","urls":[{{"url":"https://dexscreener.com/solana"}}],"ref":{{"text":"They really said {padding}"}}}}}}"#
    );
    let meta = format!(
        r#"{{"v":1,"t":"tweet","op":"meta","ts":{ts},"d":{{"tweetId":"{tweet}","ocr":{{"text":"liquidity {padding}"}},"detected":{{"tokens":[{{"symbol":"AB","contract":"9xQe{id}","chain":"solana","priceUsd":0.0042,"sources":["text","ocr"]}},{{"symbol":"CD"}},{{"symbol":"ÉF"}},{{"symbol":"éG"}}],"cex":[{{"exchange":"binance","symbol":"ABUSDT","sources":["text"]}}],"prediction":[{{"exchange":"polymarket","marketId":"m{id}"}}]}}}}}}"#
    );
    [content, update, meta]
}

#[test]
fn the_allocator_counts() {
    assert_eq!(allocations(|| drop(black_box(Box::new(1)))), 1);
    assert_eq!(allocations(|| drop(black_box(Vec::<u8>::with_capacity(10)))), 1);
    assert_eq!(allocations(|| ()), 0);
}

/// Runs `total` tweets, now and then a meta before its content, and tells how many allocations the second half cost.
fn run(window: Window, total: u64) -> u64 {
    let bounds = Bounds { window, ..Bounds::default() };
    let rules = RuleSet::parse("r.toml", RULES).expect("valid rules");
    let mut pipeline = Pipeline::new(rules, bounds, 0);
    let mut decisions = Vec::new();
    let mut sum = 0;
    for id in 0..total {
        let [content, update, meta] = frames(id);
        let order = if id % 5 == 0 { [&meta, &content, &update] } else { [&content, &update, &meta] };
        // The last is a copy.
        for frame in order.into_iter().chain([&content]) {
            let cost = allocations(|| {
                pipeline.handle(&Input::frame(frame, Receipt::Sent), &mut decisions);
            });
            sum += if id < total / 2 { 0 } else { cost };
        }
    }
    assert!(decisions.is_empty(), "{:?}", decisions.first());
    assert_eq!(pipeline.intake.counters().bad_frames(), 0);
    let counters = pipeline.merge.counters();
    assert_eq!((counters.joined, counters.duplicates), (total * 3, total));
    assert!(pipeline.merge.len() <= WINDOW);
    assert_eq!(pipeline.signal.counters().opened, 0);
    sum
}

#[test]
fn a_frame_without_decision_allocates_nothing_in_a_full_window() {
    assert_eq!(run(Window { tweets: WINDOW, ..Window::default() }, 8_000), 0);
}

#[test]
fn a_frame_without_decision_allocates_nothing_when_tweets_leave_by_time() {
    // One tweet every 3 ms: some 300 of them.
    assert_eq!(run(Window { tweets: WINDOW, span_ns: 900_000_000 }, 8_000), 0);
}
