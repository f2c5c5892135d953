//! The nouns of Stoop: ids, tweets, enrichment, events, assets, decisions.
//!
//! Data goes through these types in this order. A frame becomes an [`Event`]: an operation ([`Op`]), a
//! [`TweetId`], and whatever fields the frame carried, as a [`Post`] and a list of [`Detected`] assets whose
//! strings lie in one buffer of the event. Other crates join the events of one tweet to a view and test the rules on
//! it; the result is a [`Decision`] about an [`Asset`].
//!
//! # What does this crate not do?
//!
//! It reads no bytes, no clock and no file, and it serialises nothing: each crate that owns a format converts its own.
//!
//! # Invariants
//!
//! - A [`Span`] is only ever read together with the buffer it was made for.
//! - Absent, null and present are three different states of a field ([`Bag`]).
//! - The maps here iterate in the same order after the same insertions ([`HashMap`]).
//!
//! ```
//! use stoop_model::{Platform, TweetId};
//!
//! let id = TweetId::parse("2064689031777615872");
//! assert_eq!(id.created_ms(&Platform::Twitter), Some(1_781_095_199_900));
//! assert_eq!(id.created_ms(&Platform::TruthSocial), None);
//! ```

mod bag;
mod decision;
mod enrichment;
mod event;
mod hash;
mod ids;
mod post;

pub use bag::{Bag, Filling, Key, Span};
pub use decision::{
    Asset, AssetClass, Basis, CancelReason, Decision, DecisionBody, DecisionId, DecisionKind, Evidence,
    Group, LatencyNs, Matched, RefPrice, RuleLabel, Side, TextField, TradedOn, Trigger,
};
pub use enrichment::{ASSET_FIELDS, AssetField, Detected, DetectedClass, Price, SOURCE_SEPARATOR};
pub use event::{
    Bad, BadReason, Event, FieldError, FieldErrorReason, HandleRow, HandlesResult, Op, Unknowns,
};
pub use hash::{HashMap, HashSet};
pub use ids::{Platform, TweetId};
pub use post::{
    AUTHOR_FIELDS, AuthorField, AuthorRef, Media, Mention, POST_FIELDS, Post, PostField, PostRef, TweetKind,
    Url,
};
