//! Joins events into views, tests rules on them, emits decisions.
//!
//! Everything that enters is an [`Input`]: a frame, time alone, a command, a gap of the feed, a restored state. It goes
//! through three stages, each a plain struct driven by the same verbs:
//!
//! 1. [`Intake`] decodes a frame and stamps it with its place in the order of inputs and its time ([`Stamp`]).
//! 2. [`Merge`] drops duplicates and joins the event into the [`View`] of its tweet, whatever the order of arrival,
//!    in a bounded window; it reports what changed and which tweets have left ([`Merged`]).
//! 3. [`Signal`] tests every rule of a [`RuleSet`], and asks every [`Strategy`], on the changed view and leads each
//!    decision from its open to its confirm, revise, lapse or cancel. Deadlines are part of it: they fire before the
//!    next input.
//!
//! [`Pipeline`] is the three in one piece; [`Pipeline::handle`] is its one door. Rules are read from TOML; errors in a
//! file are reported with file, line and column ([`syntax`]).
//!
//! # What does this crate not do?
//!
//! It opens no socket and no file, reads no clock, draws no random number and spawns nothing: time is an argument.
//! It writes no JSON, measures nothing (a [`Probe`] may), and places no order.
//!
//! # Invariants
//!
//! - Decisions are a function of the inputs in order, their times and the rules. More ticks between the inputs change
//!   nothing: a deadline fires with its own time as now, in order of time, then of creation.
//! - Any order in which the frames of a tweet arrive within the window ends in the same view.
//! - No decision is opened twice, and nothing follows a cancel, as long as the tweet is remembered.
//! - Every map and queue has a bound, a stated behaviour there, and a counter ([`Window`], [`Keeping`],
//!   [`FRAMES_PER_TWEET`], [`ASSETS_PER_TWEET`], [`LOCAL_ASSETS`]).
//! - A frame that leads to no decision allocates nothing once buffers have grown to what they see. The exceptions are
//!   those of the decoder, and rules that wait for an enrichment to open on a timeout, because these hold on to the
//!   view.
//!
//! ```
//! use stoop_engine::{Bounds, Input, Pipeline, Receipt, RuleSet};
//!
//! let rules = RuleSet::parse(
//!     "rules.toml",
//!     r#"
//!     [[rule]]
//!     name = "listing"
//!     any = ["new token"]
//!     assets = { tokens = true }
//!     "#,
//! )?;
//! let mut pipeline = Pipeline::new(rules, Bounds::default(), 0);
//! let mut decisions = Vec::new();
//! for frame in [
//!     r#"{"v":1,"t":"tweet","op":"content","ts":1781095200123,"d":{"tweetId":"2064689031777615872",
//!         "text":"New token live: $EDGE","author":{"handle":"@marketdesk"}}}"#,
//!     r#"{"v":1,"t":"tweet","op":"meta","ts":1781095200340,"d":{"tweetId":"2064689031777615872",
//!         "detected":{"tokens":[{"symbol":"EDGE","contract":"9xQe","chain":"solana"}]}}}"#,
//! ] {
//!     pipeline.handle(&Input::frame(frame, Receipt::Sent), &mut decisions);
//! }
//! let kinds: Vec<_> = decisions.iter().map(|decision| decision.kind.as_str()).collect();
//! assert_eq!(kinds, ["open", "revise"]);
//! assert_eq!(decisions[0].id, decisions[1].id);
//! let asset = decisions[1].asset.as_ref().expect("the token");
//! assert_eq!(asset.contract.as_deref(), Some("9xQe"));
//! # Ok::<(), stoop_engine::RuleSetError>(())
//! ```

mod bounds;
mod copies;
mod input;
mod intake;
mod merge;
mod pipeline;
mod rules;
mod signal;
mod state;
pub mod syntax;
mod universe;

pub use bounds::Bounds;
pub use copies::ENDPOINTS;
pub use input::{Command, Gap, Input, MESSAGE_BYTES, Message, Origin, Receipt, Stamp};
pub use intake::{Element, Intake, IntakeCounters, plausible_ns};
pub use merge::{
    ASSETS_PER_TWEET, Arrival, Change, FRAMES_PER_TWEET, Merge, MergeCounters, Merged, NamedAsset, Pin, Rank,
    SavedAsset, SavedError, SavedField, SavedItem, SavedValue, SavedView, View, Window,
};
pub use pipeline::{NoProbe, Pipeline, Probe};
pub use rules::{
    Alias, AssetFilter, Authors, Branch, Case, Condition, Cooldown, CooldownBy, Fire, Form, Forms, Judgement,
    LOCAL_ASSETS, Market, Rule, RuleReader, RuleSet, RuleSetError, Strategy, Term, TermMode, Terms,
    asset_key,
};
pub use signal::{
    COOLDOWNS, Explanation, Incident, Keeping, MISSED, Missed, Signal, SignalCounters, panic_message,
};
pub use state::{
    CooldownState, DeadlineState, DueState, Gone, Head, LifeState, Scope, State, TweetState, ViewState,
};
pub use universe::{Listing, UNIVERSE_BYTES, UNIVERSE_ROWS, Universe};
