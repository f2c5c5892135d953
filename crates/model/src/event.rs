//! A decoded frame.

use std::fmt;

use crate::post::AUTHOR_FIELDS;
use crate::{AuthorField, Bag, Detected, Platform, Post, Span, TweetId};

/// The operation of a frame, from its family and name together (protocol §3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// `tweet/content`: first payload of a post.
    Content,
    /// `tweet/update`: later fields of the post.
    Update,
    /// `tweet/meta`: enrichment.
    Meta,
    /// `tweet/delete`.
    Delete,
    /// `tweet/pin`.
    Pin,
    /// `tweet/unpin`.
    Unpin,
    /// `account/profile_update`.
    ProfileUpdate,
    /// `account/follow`.
    Follow,
    /// `account/unfollow`.
    Unfollow,
    /// `account/callout`: kept raw, its payload is not documented.
    Callout,
    /// `control/twitter_handles_result`.
    HandlesResult,
    /// `control/auth_ping`.
    AuthPing,
    /// `control/auth_pong`.
    AuthPong,
    /// A known family with an operation this version does not know; kept raw.
    UnknownOp,
    /// A family this version does not know; kept raw.
    #[default]
    UnknownFamily,
}

impl Op {
    /// Every operation, in the order counters print them.
    pub const ALL: [Self; 15] = [
        Self::Content,
        Self::Update,
        Self::Meta,
        Self::Delete,
        Self::Pin,
        Self::Unpin,
        Self::ProfileUpdate,
        Self::Follow,
        Self::Unfollow,
        Self::Callout,
        Self::HandlesResult,
        Self::AuthPing,
        Self::AuthPong,
        Self::UnknownOp,
        Self::UnknownFamily,
    ];

    /// The feed's name of the operation.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Update => "update",
            Self::Meta => "meta",
            Self::Delete => "delete",
            Self::Pin => "pin",
            Self::Unpin => "unpin",
            Self::ProfileUpdate => "profile_update",
            Self::Follow => "follow",
            Self::Unfollow => "unfollow",
            Self::Callout => "callout",
            Self::HandlesResult => "twitter_handles_result",
            Self::AuthPing => "auth_ping",
            Self::AuthPong => "auth_pong",
            Self::UnknownOp => "unknown_op",
            Self::UnknownFamily => "unknown_family",
        }
    }

    /// The frame is about one tweet and names it.
    pub fn is_tweet(self) -> bool {
        matches!(self, Self::Content | Self::Update | Self::Meta | Self::Delete | Self::Pin | Self::Unpin)
    }
}

/// One decoded frame: what it carried and nothing else. Created once and refilled for every frame.
///
/// Every [`Span`] in it is into [`Self::strings`]. Which parts are filled depends on [`Self::op`]; the others
/// are empty. Times are Unix ms.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// The operation.
    pub op: Op,
    /// Envelope `ts`, the server's send time; `None` if it was missing or not an integer.
    pub ts_ms: Option<i64>,
    /// Envelope `id`. Not unique (protocol §2).
    // Kept for people who look a frame up; nothing is deduplicated by it.
    pub envelope_id: Option<Span>,
    /// `tweetId`, for tweet operations.
    pub tweet_id: TweetId,
    /// The platform, where the frame says it. A frame with an author does: one that names no platform is on X.
    pub platform: Option<Platform>,
    /// XXH3 of the bytes of `d` without its own `receivedAt` member.
    pub fingerprint: u64,
    /// `eventId`.
    pub event_id: Option<Span>,
    /// `observedAt`.
    pub observed_ms: Option<i64>,
    /// `receivedAt` of a frame that is neither content nor update.
    pub received_ms: Option<i64>,
    /// `deletedAt`.
    pub deleted_ms: Option<i64>,
    /// `action` of a pin or unpin, `kind` of an account event.
    pub action: Option<Span>,
    /// Fields of the tweet; in a delete or pin, those that it repeats.
    pub post: Post,
    /// `tweet` of a pin or unpin.
    pub pinned: Post,
    /// `tweetId` inside `tweet` of a pin or unpin.
    pub pinned_id: Option<TweetId>,
    /// `detected` of a meta frame, in the order tokens, cex, prediction.
    // A list and not a set: which assets are one is for merge to say, which sees all meta frames.
    pub detected: Vec<Detected>,
    /// `actor` of an account event.
    pub actor: Bag<AuthorField, AUTHOR_FIELDS>,
    /// `target` of a follow or unfollow.
    pub target: Bag<AuthorField, AUTHOR_FIELDS>,
    /// `changes` of a profile update: null is cleared, absent is unchanged.
    pub changes: Bag<AuthorField, AUTHOR_FIELDS>,
    /// `previous` of a profile update.
    pub previous: Bag<AuthorField, AUTHOR_FIELDS>,
    /// Result of an account command.
    pub handles: HandlesResult,
    /// The frame's text as it came, for operations that are kept raw.
    pub raw: Option<Span>,
    /// Counts of what this version does not know in the frame.
    pub unknowns: Unknowns,
    /// Fields that were left out because their value was of the wrong type or did not fit.
    pub field_errors: u32,
    /// The first of them.
    pub field_error: Option<FieldError>,
    /// The buffer of all spans.
    // One buffer for all texts: an event is cleared and filled again without giving back memory.
    pub strings: String,
}

impl Event {
    /// Empties it for the next frame; buffers stay.
    pub fn clear(&mut self) {
        // Field by field: a new event would give up its buffers.
        self.op = Op::default();
        self.ts_ms = None;
        self.envelope_id = None;
        self.tweet_id = TweetId::default();
        self.platform = None;
        self.fingerprint = 0;
        self.event_id = None;
        self.observed_ms = None;
        self.received_ms = None;
        self.deleted_ms = None;
        self.action = None;
        self.post.clear();
        self.pinned.clear();
        self.pinned_id = None;
        self.detected.clear();
        self.actor.clear();
        self.target.clear();
        self.changes.clear();
        self.previous.clear();
        self.handles.clear();
        self.raw = None;
        self.unknowns = Unknowns::default();
        self.field_errors = 0;
        self.field_error = None;
        self.strings.clear();
    }

    /// The text of a span of this event.
    pub fn text(&self, span: Span) -> &str {
        span.of(&self.strings)
    }
}

/// How many things of each kind a frame carried that this version does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unknowns {
    /// `v` was present and not 1.
    pub version: bool,
    /// Members not named in protocol §4, at any depth this version reads.
    pub fields: u32,
    /// Values outside their documented set (`kind`, `platform`, `exchange`, `sources` …).
    pub values: u32,
}

/// Result of a follow or unfollow command (`twitter_handles_result`).
#[derive(Clone, Debug, Default)]
pub struct HandlesResult {
    /// `action`.
    pub action: Option<Span>,
    /// `requestId`; null counts as absent.
    pub request_id: Option<Span>,
    /// `error`; null counts as absent.
    pub error: Option<Span>,
    /// `results`.
    pub results: Vec<HandleRow>,
}

impl HandlesResult {
    fn clear(&mut self) {
        self.action = None;
        self.request_id = None;
        self.error = None;
        self.results.clear();
    }
}

/// One row of a [`HandlesResult`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HandleRow {
    /// `input`.
    pub input: Option<Span>,
    /// `state`: `added`, `already_following` … or what else came.
    pub state: Option<Span>,
    /// `handle`.
    pub handle: Option<Span>,
    /// `name`.
    pub name: Option<Span>,
    /// `normalizedHandle`.
    pub normalized_handle: Option<Span>,
    /// `profileImage`.
    pub profile_image: Option<Span>,
    /// `twitterId`.
    pub twitter_id: Option<Span>,
    /// `message`.
    pub message: Option<Span>,
}

/// A frame that could not be decoded: why, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bad {
    /// Why.
    pub reason: BadReason,
    /// Byte offset into the frame, where there is one.
    pub offset: Option<u32>,
}

impl fmt::Display for Bad {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.offset {
            Some(offset) => write!(f, "{} at byte {offset}", self.reason.as_str()),
            None => f.write_str(self.reason.as_str()),
        }
    }
}

/// Why a frame could not be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum BadReason {
    /// No bytes, or white space only.
    Empty,
    /// Not JSON.
    Syntax,
    /// Not UTF-8.
    InvalidUtf8,
    /// An escape that names no character, such as half a surrogate pair.
    InvalidEscape,
    /// A number that fits neither 64 bits nor a double.
    NumberRange,
    /// Nested deeper than the limit.
    TooDeep,
    /// Longer than the limit.
    TooLong,
    /// A batch with more frames than the limit.
    TooMany,
    /// Neither an object nor an array of objects.
    NotAnObject,
    /// A member twice in one object.
    DuplicateKey,
    /// `t`, `op`, `d` or `tweetId` is missing.
    Missing,
    /// A member that decides what the frame means has the wrong type.
    WrongType,
}

impl BadReason {
    /// Every reason, in the order counters print them.
    pub const ALL: [Self; 12] = [
        Self::Empty,
        Self::Syntax,
        Self::InvalidUtf8,
        Self::InvalidEscape,
        Self::NumberRange,
        Self::TooDeep,
        Self::TooLong,
        Self::TooMany,
        Self::NotAnObject,
        Self::DuplicateKey,
        Self::Missing,
        Self::WrongType,
    ];

    /// The name in counters and logs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Syntax => "syntax",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::InvalidEscape => "invalid_escape",
            Self::NumberRange => "number_range",
            Self::TooDeep => "too_deep",
            Self::TooLong => "too_long",
            Self::TooMany => "too_many",
            Self::NotAnObject => "not_an_object",
            Self::DuplicateKey => "duplicate_key",
            Self::Missing => "missing",
            Self::WrongType => "wrong_type",
        }
    }
}

/// A field that was left out of its event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FieldError {
    /// Why.
    pub reason: FieldErrorReason,
    /// Byte offset of the member's name in the frame, where there is one.
    pub offset: Option<u32>,
}

/// Why a field was left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FieldErrorReason {
    /// The value is of another JSON type than the protocol says.
    WrongType,
    /// The number does not fit the field.
    OutOfRange,
}
