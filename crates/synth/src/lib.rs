//! Synthetic frames, and recordings and prices with planted effects: the same bytes for the same seed on every machine.
//!
//! A [`Generator`] makes up a day of a feed. Forty invented accounts post, reply, quote and repost about invented
//! tokens and a few real markets; about 5 % of the posts are on Truth Social. Most posts are followed by their
//! enrichment 50 ms to 3 s later, some by an update (or preceded by it), and a few by a deletion; account events and
//! pins are mixed in. Frames come in the order of their `ts`. Every text is made up, and every handle and bio says so.
//!
//! [`planted()`] makes ten days of posts together with prices that move after some of them, so that a study has
//! something known to find.
//!
//! Both work the same way: a seed becomes random choices, those choices invent a cast of accounts and tokens, the cast
//! writes posts, and each post yields its frames.
//!
//! # What it does not do
//!
//! - It does not estimate anything. The shares and sizes follow what is known of the feed where something is known, and
//!   are guesses elsewhere: good for load and for finding crashes, not for predicting how often a rule fires.
//! - It writes no files and reads no clock. The caller decides where the frames go.
//! - It decides nothing: what an engine makes of the frames is for the caller to add.
//!
//! # Invariants
//!
//! - Integers only, because floating-point logarithms differ between platforms.
//! - The order of the random draws is a part of the output: a draw that is added, removed or moved changes every byte
//!   after it.
//! - Memory does not grow with the number of frames asked for.
//! - No real account is named, apart from a few public market symbols.
//!
//! # Example
//!
//! ```
//! use stoop_synth::{Generator, Options};
//!
//! let frames = Generator::new(Options { frames: 100, seed: 7, ..Options::default() });
//! assert_eq!(frames.count(), 100);
//! ```

mod assets;
mod cast;
mod dice;
mod events;
mod json;
mod planted;
mod post;
mod story;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use assets::Token;
use cast::Account;
use dice::{Dice, Quantiles};
pub use planted::{PLANTED_CALL, PLANTED_RETURN, Planted, planted};
use post::{Kind, Post, Reference, tweet_id};
use story::Story;

/// The last posts, to which replies, quotes and reposts can refer.
const RECENT: usize = 64;
/// Frames that a post brings on average, counted over 200,000 frames of seed 1. It only scales the span.
const FRAMES_PER_POST_MILLI: u64 = 2_015;
/// Posts in an independent moment on average, bursts included.
const POSTS_PER_MOMENT_MILLI: u64 = 1_180;

/// From the creation of a post to its receipt: the vendor's median is 167 ms.
const RECEIVED_MS: Quantiles = &[(0, 60), (100, 110), (500, 167), (900, 290), (990, 700), (1000, 1_500)];
/// From the receipt to the sending of the content: 15 ms in the vendor's example.
const SENT_MS: Quantiles = &[(0, 3), (500, 15), (900, 35), (1000, 120)];
/// From content to meta: 217 ms in the vendor's example; the shape is a log-normal one.
const META_MS: Quantiles = &[
    (0, 50),
    (50, 75),
    (150, 115),
    (250, 145),
    (500, 220),
    (750, 335),
    (900, 520),
    (950, 760),
    (990, 1_600),
    (1000, 3_000),
];
/// Waiting times of a Poisson process, in 1/1000 of their mean.
const GAP_MILLI: Quantiles = &[
    (0, 0),
    (100, 101),
    (250, 277),
    (500, 667),
    (750, 1_335),
    (900, 2_218),
    (970, 3_377),
    (990, 4_435),
    (999, 6_652),
    (1000, 8_667),
];

/// What to generate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Options {
    /// How many frames.
    pub frames: u64,
    /// Another seed makes another day.
    pub seed: u64,
    /// When the day begins, Unix ms. Default 2026-06-10T00:00:00Z.
    pub start_ms: u64,
    /// About how long the frames take, in ms. Default a day.
    pub span_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self { frames: 10_000, seed: 0, start_ms: 1_781_049_600_000, span_ms: 86_400_000 }
    }
}

/// Yields the frames one by one, each a line of compact JSON without its newline.
///
/// It holds only the frames that are not due yet, so memory does not grow with their number.
///
/// ```
/// use stoop_synth::{Generator, Options};
///
/// let options = Options { frames: 3, seed: 7, ..Options::default() };
/// let frames: Vec<String> = Generator::new(options).collect();
/// assert_eq!(frames.len(), 3);
/// assert_eq!(frames, Generator::new(options).collect::<Vec<_>>());
/// assert!(frames[0].starts_with(r#"{"v":1,"t":"#));
/// ```
#[derive(Debug)]
pub struct Generator {
    dice: Dice,
    accounts: Vec<Account>,
    tokens: Vec<Token>,
    /// Frames not yet due, by time and then by the order they were made in.
    pending: BinaryHeap<Reverse<(u64, u64, String)>>,
    made: u64,
    left: u64,
    /// When the next post is created. Everything pending up to then is final and can be yielded.
    clock_us: u64,
    mean_gap_us: u64,
    burst_left: u64,
    recent: VecDeque<Post>,
}

impl Generator {
    /// Invents the accounts and tokens of a seed, and begins the day.
    pub fn new(options: Options) -> Self {
        let mut dice = Dice::new(options.seed);
        let accounts = cast::accounts(&mut dice);
        let tokens = assets::tokens(&mut dice);
        let moments = u128::from(options.frames.max(1)) * 1_000_000
            / u128::from(FRAMES_PER_POST_MILLI)
            / u128::from(POSTS_PER_MOMENT_MILLI);
        let mean_gap_us = u128::from(options.span_ms) * 1_000 / moments.max(1);
        Self {
            dice,
            accounts,
            tokens,
            pending: BinaryHeap::new(),
            made: 0,
            left: options.frames,
            clock_us: options.start_ms * 1_000,
            // Capped so that the longest gap, some nine times the mean, still fits.
            mean_gap_us: u64::try_from(mean_gap_us).unwrap_or(u64::MAX / 16_000),
            burst_left: 0,
            recent: VecDeque::with_capacity(RECENT),
        }
    }

    fn push(&mut self, ts: u64, frame: String) {
        // Numbered, or frames of one millisecond would come in the order of their text.
        self.pending.push(Reverse((ts, self.made, frame)));
        self.made += 1;
    }

    /// Makes a post with all its frames, and the other events of that moment.
    fn moment(&mut self) {
        let post = self.post();
        self.happenings(post.created_ms + 100);
        let content = post.content(&mut self.dice, &self.accounts);
        self.push(post.sent_ms, content);
        if post.late_media || post.reference.as_ref().is_some_and(|reference| reference.late) {
            // Some updates overtake their content, as every reader must expect.
            let ts = if self.dice.chance(150) {
                post.sent_ms - self.dice.between(1, 20)
            } else {
                post.sent_ms + self.dice.between(30, 900)
            };
            self.push(ts, post.update(ts, &self.accounts));
        }
        if self.dice.chance(850) {
            let ts = post.sent_ms + self.dice.draw(META_MS);
            let meta = post.meta(&mut self.dice, ts, &self.tokens);
            self.push(ts, meta);
        }
        if self.dice.chance(6) {
            let ts = post.sent_ms + self.dice.between(2_000, 600_000);
            let delete = events::delete(&mut self.dice, &post, ts, &self.accounts);
            self.push(ts, delete);
        }
        // Bounded, and as people do: they answer what is new.
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(post);
        self.advance();
    }

    fn advance(&mut self) {
        if self.burst_left > 0 {
            self.burst_left -= 1;
            // Closer together in a dense day, or bursts alone would make it too long.
            self.clock_us += self.dice.between(1_000, 25_000).min(self.mean_gap_us / 2 + 1);
            return;
        }
        if self.dice.chance(40) {
            self.burst_left = self.dice.between(2, 7);
        }
        self.clock_us += self.mean_gap_us.saturating_mul(self.dice.draw(GAP_MILLI)) / 1_000;
    }

    fn post(&mut self) -> Post {
        let dice = &mut self.dice;
        let author = weighted(dice, &self.accounts);
        let truth_social = self.accounts[author].truth_social;
        let created_ms = self.clock_us / 1_000;
        let received_ms = created_ms + dice.draw(RECEIVED_MS);
        let sent_ms = received_ms + dice.draw(SENT_MS);
        let mut story = story::invent(dice, author, &self.accounts, &self.tokens);
        // 55 posts, 16 replies, 13 quotes, 11 reposts and 5 replies to oneself in a hundred.
        let (kind, own) = match dice.below(100) {
            0..55 => (Kind::Post, false),
            55..71 => (Kind::Reply, false),
            71..84 => (Kind::Quote, false),
            84..95 => (Kind::Retweet, false),
            _ => (Kind::Reply, true),
        };
        let kind = if truth_social && kind == Kind::Quote { Kind::Post } else { kind };
        let reference = (kind != Kind::Post)
            .then(|| reference(dice, &self.recent, &self.accounts, author, own, created_ms))
            .map(|reference| Reference { late: kind != Kind::Retweet && dice.chance(250), ..reference });
        // A repost has the words of the original: what is detected in it is the same.
        if kind == Kind::Retweet
            && let Some(reference) = &reference
        {
            let handle = match reference.author {
                Some(author) => self.accounts[author].handle.clone(),
                None => reference.stranger(),
            };
            let original = reference.story.clone();
            story = Story { text: format!("RT @{handle}: {}", original.text), ..original };
        }
        let late_media = (story.media > 0 || !story.urls.is_empty()) && dice.chance(80);
        Post {
            tweet_id: tweet_id(dice, created_ms, truth_social),
            author,
            kind,
            story,
            reference,
            created_ms,
            received_ms,
            sent_ms,
            late_media,
        }
    }

    /// Makes an event that is not about a new post, now and then.
    fn happenings(&mut self, ts: u64) {
        let dice = &mut self.dice;
        let actor = dice.index(self.accounts.len());
        let account = &self.accounts[actor];
        let frame = match dice.below(1_000) {
            0..10 => events::profile_update(dice, account, ts),
            10..20 => {
                let target = dice.index(self.accounts.len());
                events::follow(dice, account, &self.accounts[target], ts)
            }
            20..30 => {
                let Some(post) = self.recent.back() else { return };
                let pinned = dice.chance(700);
                events::pin(dice, post, pinned, ts, &self.accounts)
            }
            30..34 => {
                let token = dice.index(self.tokens.len());
                events::callout(dice, account, &self.tokens[token], ts)
            }
            34..36 => events::control(dice, &self.accounts, ts),
            _ => return,
        };
        self.push(ts, frame);
    }
}

impl Iterator for Generator {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        self.left = self.left.checked_sub(1)?;
        loop {
            // No frame is sent before its post is created, so nothing can be added before the clock any more.
            let due = self.pending.peek().is_some_and(|Reverse((ts, ..))| *ts <= self.clock_us / 1_000);
            if due {
                return self.pending.pop().map(|Reverse((_, _, frame))| frame);
            }
            self.moment();
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = usize::try_from(self.left).ok();
        (left.unwrap_or(usize::MAX), left)
    }
}

fn weighted(dice: &mut Dice, accounts: &[Account]) -> usize {
    let mut at = dice.below(accounts.iter().map(|account| account.weight).sum());
    for (index, account) in accounts.iter().enumerate() {
        match at.checked_sub(account.weight) {
            Some(rest) => at = rest,
            None => return index,
        }
    }
    0
}

/// Picks the post that another one refers to: a recent one of the same platform, else one of an unknown account.
fn reference(
    dice: &mut Dice,
    recent: &VecDeque<Post>,
    accounts: &[Account],
    author: usize,
    own: bool,
    created_ms: u64,
) -> Reference {
    let platform = accounts[author].truth_social;
    let fits = |post: &&Post| {
        accounts[post.author].truth_social == platform
            && (post.author == author) == own
            && post.kind != Kind::Retweet
    };
    let candidates: Vec<&Post> = recent.iter().filter(fits).collect();
    let (full, late) = (dice.chance(400), false);
    if candidates.is_empty() || (!own && dice.chance(300)) {
        let older_ms = created_ms - dice.between(60_000, 40_000_000);
        let text = format!("Synthetic remark no. {} of somebody who is not followed.", dice.below(1_000_000));
        // An account without a recent post answers an older one of its own.
        let author = own.then_some(author);
        let story = Story { text, ..Story::default() };
        return Reference { tweet_id: tweet_id(dice, older_ms, platform), author, story, full, late };
    }
    let post = *dice.pick(&candidates);
    Reference { tweet_id: post.tweet_id, author: Some(post.author), story: post.story.clone(), full, late }
}

#[cfg(test)]
mod tests;
