//! The output: a decision, one step of its life cycle at a time.

use std::fmt;
use std::sync::Arc;

use rust_decimal::Decimal;

use crate::{Op, Platform, TweetId, TweetKind};

/// The first 16 bytes of a SHA-256, shown as 32 hex digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DecisionId(pub [u8; 16]);

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // As one number: the same digits as byte by byte, with one formatting call.
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// One step in the life of a decision, and how long it took. Cheap to clone.
#[derive(Clone, Debug, PartialEq)]
pub struct Decision {
    /// The decision itself, which follows from the inputs alone.
    // Shared: signal keeps the last line of each decision, and queue, tape and sinks read the same one.
    pub body: Arc<DecisionBody>,
    /// Time spent in each stage; `None` in replay and backtest.
    // Beside the body: it comes from clocks, and nothing that the digest covers may.
    pub latency: Option<LatencyNs>,
    /// When it was put into the queue, Unix ns; `None` in replay and backtest.
    pub queued_ns: Option<i64>,
}

impl std::ops::Deref for Decision {
    type Target = DecisionBody;

    fn deref(&self) -> &DecisionBody {
        &self.body
    }
}

/// The decision itself. `id` and `revision` together never occur twice.
#[derive(Clone, Debug, PartialEq)]
pub struct DecisionBody {
    /// Position in the output, from 0. A gap means that decisions were lost.
    pub seq: u64,
    /// The same for every step of one decision.
    pub id: DecisionId,
    /// The same for every rule that decides on this tweet and asset.
    pub signal_id: DecisionId,
    /// 0 for the open, counting up from there.
    pub revision: u32,
    /// The step.
    pub kind: DecisionKind,
    /// The basis of the open.
    pub basis: Basis,
    /// Why it was cancelled; `None` for every other step.
    pub reason: Option<CancelReason>,
    /// The cause of this step.
    pub trigger: Trigger,
    /// The rule.
    // Shared by all decisions of a rule.
    pub rule: Arc<RuleLabel>,
    /// Generation of the rule set.
    pub generation: u64,
    /// Platform of the tweet.
    pub platform: Platform,
    /// The tweet.
    pub tweet_id: TweetId,
    /// The kind of post.
    pub tweet_kind: TweetKind,
    /// Handle of the author, without `@`, in lower case.
    pub author: Option<String>,
    /// Id of the author.
    pub author_id: Option<String>,
    /// Link to the post.
    pub link: Option<String>,
    /// First 280 Unicode scalar values of the body as it came.
    pub text: String,
    /// Terms of the rule that were found, and where.
    pub matched: Vec<Matched>,
    /// The asset; `None` for a rule that asks for none.
    pub asset: Option<Asset>,
    /// Where it can be traded according to the user's universe, in the universe's order.
    pub markets: Vec<TradedOn>,
    /// On a revise, what it was about before.
    pub previous_asset: Option<Asset>,
    /// The strongest evidence for the asset.
    pub evidence: Option<Evidence>,
    /// Position among the decisions of this rule opened by the same input.
    pub group: Group,
    /// Indicative price from the enrichment.
    pub ref_price: Option<RefPrice>,
    /// Whether a frame that history brought after an outage caused it.
    pub late: bool,
    /// Creation of the post, Unix ms.
    pub created_ms: Option<i64>,
    /// The vendor's receipt, Unix ms.
    pub received_ms: Option<i64>,
    /// When the server sent the trigger frame (the content, on a timeout), Unix ms.
    pub sent_ms: Option<i64>,
    /// When we received that frame, Unix ns.
    pub recv_ns: i64,
    /// Engine time of this step, Unix ns.
    pub decided_ns: i64,
    /// Latest moment to enter, Unix ms; the open's on every step.
    pub expires_ms: i64,
}

/// The step of a decision's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DecisionKind {
    /// The rule first matches.
    Open,
    /// The enrichment has come, and it still matches on the same identity.
    Confirm,
    /// The same, but the identity was resolved or changed.
    Revise,
    /// No enrichment has come within `settle`; the decision stands as opened.
    Lapse,
    /// It no longer matches, or the tweet was deleted. Nothing follows.
    Cancel,
}

impl DecisionKind {
    /// The name in the decision line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Confirm => "confirm",
            Self::Revise => "revise",
            Self::Lapse => "lapse",
            Self::Cancel => "cancel",
        }
    }
}

/// The basis of an open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Basis {
    /// The post alone.
    Content,
    /// The enrichment was there.
    Enriched,
    /// The wait for the enrichment was over.
    Timeout,
}

impl Basis {
    /// The name in the decision line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Content => "content",
            Self::Enriched => "enriched",
            Self::Timeout => "timeout",
        }
    }
}

/// Why a decision was cancelled; the first that holds, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CancelReason {
    /// The tweet was deleted.
    Deleted,
    /// A condition other than assets no longer holds.
    NoMatch,
    /// Tokens of the symbol have different contracts.
    Ambiguous,
    /// The vendor did not name the asset.
    Unnamed,
}

impl CancelReason {
    /// The name in the decision line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deleted => "deleted",
            Self::NoMatch => "no_match",
            Self::Ambiguous => "ambiguous",
            Self::Unnamed => "unnamed",
        }
    }
}

/// The cause of a step: a frame's operation, a deadline, or a message of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A frame.
    Op(Op),
    /// A deadline.
    Timeout,
    /// A message that the host has sent to the strategies.
    Message,
}

impl Trigger {
    /// The name in the decision line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Op(op) => op.as_str(),
            Self::Timeout => "timeout",
            // The name is older than the word message here; tapes and consumers have it.
            Self::Message => "external",
        }
    }
}

/// A rule as decisions name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleLabel {
    /// Name, unique in a rule set.
    pub name: String,
    /// First 8 bytes of a SHA-256 over the rule with its defaults filled in.
    pub hash: [u8; 8],
    /// The action.
    pub side: Side,
    /// A name the consumer routes on.
    pub destination: String,
    /// The rule's `params` as JSON.
    // Text, because the engine only passes it through, and a parsed value might be written back differently.
    pub params: String,
}

/// The action that a rule asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Side {
    /// Report it, do not trade.
    #[default]
    Alert,
    /// Buy.
    Buy,
    /// Sell.
    Sell,
}

impl Side {
    /// The name in rules and decision lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Alert => "alert",
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// A part of a tweet that is searched for terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum TextField {
    /// The body without URLs and @handles.
    Text,
    /// Its first line.
    FirstLine,
    /// The text of the post that it refers to.
    Ref,
    /// Text in pictures.
    Ocr,
    /// Handles of the frame's list of mentions.
    Mentions,
    /// URLs of the frame's list, expanded.
    Urls,
    /// The author's bio.
    Bio,
    /// The author's name.
    Name,
}

impl TextField {
    /// Every field.
    pub const ALL: [Self; 8] = [
        Self::Text,
        Self::FirstLine,
        Self::Ref,
        Self::Ocr,
        Self::Mentions,
        Self::Urls,
        Self::Bio,
        Self::Name,
    ];

    /// The name in rules and decision lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::FirstLine => "first_line",
            Self::Ref => "ref",
            Self::Ocr => "ocr",
            Self::Mentions => "mentions",
            Self::Urls => "urls",
            Self::Bio => "bio",
            Self::Name => "name",
        }
    }
}

/// A term of the rule and where it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// As the rule writes it.
    pub term: Arc<str>,
    /// Where.
    pub field: TextField,
}

/// The class of an asset.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AssetClass {
    /// A token the vendor named.
    Token,
    /// A contract address found in the text.
    Address,
    /// A market of a centralised exchange.
    Cex,
    /// A prediction market.
    Prediction,
    /// A coin that the text writes, such as `$EDGE`.
    Ticker,
}

impl AssetClass {
    /// The name in the decision line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Address => "address",
            Self::Cex => "cex",
            Self::Prediction => "prediction",
            Self::Ticker => "ticker",
        }
    }
}

/// The asset that a decision is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its class.
    pub class: AssetClass,
    /// The ticker; for a CEX market, the base asset.
    pub symbol: Option<String>,
    /// Contract address as it came.
    pub contract: Option<String>,
    /// Chain as it came.
    pub chain: Option<String>,
    /// Exchange.
    pub venue: Option<String>,
    /// The exchange's own symbol or id of the market.
    pub market: Option<String>,
    /// Where it was found: `local`, `text`, `ocr`, `rule`, or another source that the vendor names.
    // Text and not an enum: a source that the vendor adds must reach the consumer as it is.
    pub sources: Vec<String>,
}

/// A market that the user's universe lists for an asset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TradedOn {
    /// The exchange.
    pub venue: String,
    /// The exchange's own name of the market.
    pub market: String,
}

/// The evidence for a decision's asset, the strongest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Evidence {
    /// A token with a contract.
    Contract,
    /// A market.
    Market,
    /// A symbol alone: `$EDGE`, or what the vendor names without a contract or market.
    Ticker,
    /// The base of a pair in the text, such as `EDGE/USDT`.
    Pair,
    /// A symbol in parentheses in the text: `(EDGE)`.
    Parentheses,
    /// A word of the text that the universe lists.
    Listed,
    /// A word of the text in capitals.
    Capitals,
    /// An address found in the text.
    Address,
    /// The vendor found it only in pictures.
    OcrOnly,
    /// The rule names it.
    Rule,
}

impl Evidence {
    /// The name in the decision line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Contract => "contract",
            Self::Market => "market",
            Self::Ticker => "ticker",
            Self::Pair => "pair",
            Self::Parentheses => "parentheses",
            Self::Listed => "listed",
            Self::Capitals => "capitals",
            Self::Address => "address",
            Self::OcrOnly => "ocr_only",
            Self::Rule => "rule",
        }
    }
}

/// Position of a decision among those of its rule opened by the same input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// From 1.
    pub index: u32,
    /// How many there are.
    pub count: u32,
}

/// An indicative price and when we saw it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefPrice {
    /// In US dollars.
    // A decimal: a double would print digits that the feed did not send.
    pub value: Decimal,
    /// When we received the frame that carried it, Unix ns.
    pub seen_ns: i64,
}

/// Time one decision spent in each stage, ns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LatencyNs {
    /// Socket read to decoded.
    pub decode: u64,
    /// Decoded to merged.
    pub merge: u64,
    /// Merged to decided.
    pub signal: u64,
    /// Socket read to decided.
    pub total: u64,
}
