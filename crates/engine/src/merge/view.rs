//! The joined state of one tweet.

use smallvec::{SmallVec, smallvec};
use stoop_model::{
    AUTHOR_FIELDS, AssetField, Event, Op, POST_FIELDS, Platform, Post, PostField, PostRef, TweetId,
};

use super::asset::NamedAsset;
use super::join::{Copier, Joiner};
use super::rank::{Rank, is_shared};

/// Frames of one tweet that may leave fields in its view; later ones are counted and left out.
pub const FRAMES_PER_TWEET: usize = 250;
/// Detected assets of one tweet; later ones are counted and left out.
pub const ASSETS_PER_TWEET: usize = 256;
/// Dead string bytes beyond which, when they are also the greater part, a view is compacted.
const COMPACT_BYTES: usize = 4096;
/// String capacity a recycled view keeps: a content of 1,300 bytes and its meta fit twice.
const KEEP_BYTES: usize = 4096;
/// List capacity a recycled view keeps.
const KEEP_ITEMS: usize = 8;
/// List capacity a new view begins with, as many as a list would grow to for its first item: in the window of a busy
/// stream it takes hours until every view has met a post with media, one with links, one with mentions.
const FIRST_ITEMS: usize = 4;

/// When a frame came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// Our receipt, Unix ns: input time.
    pub recv_ns: i64,
    /// The server's send time, Unix ms.
    pub sent_ms: Option<i64>,
    /// History has brought it, after the feed had lost it.
    pub is_late: bool,
}

/// Pin state: when it was observed, Unix ms, and whether the tweet was pinned.
pub type Pin = (i64, bool);

/// The joined state of one tweet: every field at its winning value, whatever order the frames came in.
#[derive(Debug)]
pub struct View {
    /// The tweet.
    pub tweet_id: TweetId,
    /// Its platform; none until a frame names one.
    pub platform: Option<Platform>,
    /// Sequence number of the input that began it, which distinguishes a tweet's second stay in the window from its
    /// first.
    pub began_seq: u64,
    /// Input time at which it began, Unix ns.
    pub began_ns: i64,
    /// First content frame.
    pub content: Option<Arrival>,
    /// Input time of the first meta frame, Unix ns: from then on the enrichment has come.
    pub enriched_ns: Option<i64>,
    /// The tweet was deleted.
    pub deleted: bool,
    /// The tweet is pinned, and when that was observed, Unix ms.
    pub pinned: Option<Pin>,
    /// Assets named by the vendor, in the order they were first named.
    pub assets: Vec<NamedAsset>,
    pub(super) post: Post,
    pub(super) strings: String,
    /// Bytes of `strings` that no field refers to any more.
    dead_bytes: usize,
    /// Ranks of the frames merged so far; fields hold an index into it. Index 0 is below every frame.
    pub(super) frames: SmallVec<[Rank; 4]>,
    pub(super) body_ranks: [u8; POST_FIELDS],
    pub(super) author_ranks: [u8; AUTHOR_FIELDS],
    pub(super) ref_author_ranks: [u8; AUTHOR_FIELDS],
    /// Deletion as frames without a platform reported it, which tweets of the same id share. The same for pinning.
    pub(super) shared_deleted: bool,
    pub(super) shared_pinned: Option<Pin>,
}

impl Default for View {
    fn default() -> Self {
        Self {
            tweet_id: TweetId::default(),
            platform: None,
            began_seq: 0,
            began_ns: 0,
            content: None,
            enriched_ns: None,
            deleted: false,
            pinned: None,
            assets: Vec::with_capacity(FIRST_ITEMS),
            post: Post {
                media: Vec::with_capacity(FIRST_ITEMS),
                mentions: Vec::with_capacity(FIRST_ITEMS),
                urls: Vec::with_capacity(FIRST_ITEMS),
                ref_media: Vec::with_capacity(FIRST_ITEMS),
                ..Post::default()
            },
            strings: String::with_capacity(KEEP_BYTES),
            dead_bytes: 0,
            frames: smallvec![Rank::default()],
            body_ranks: [0; POST_FIELDS],
            author_ranks: [0; AUTHOR_FIELDS],
            ref_author_ranks: [0; AUTHOR_FIELDS],
            shared_deleted: false,
            shared_pinned: None,
        }
    }
}

// By hand, so that a copy has the room of a fresh view: a derived one would have to grow at the next frame.
impl Clone for View {
    fn clone(&self) -> Self {
        let mut copy = Self { tweet_id: self.tweet_id.clone(), ..Self::default() };
        copy.platform.clone_from(&self.platform);
        copy.began_seq = self.began_seq;
        copy.began_ns = self.began_ns;
        copy.content = self.content;
        copy.enriched_ns = self.enriched_ns;
        copy.deleted = self.deleted;
        copy.pinned = self.pinned;
        copy.assets.clone_from(&self.assets);
        copy.post.clone_from(&self.post);
        copy.strings.push_str(&self.strings);
        copy.dead_bytes = self.dead_bytes;
        copy.frames.clone_from(&self.frames);
        copy.body_ranks = self.body_ranks;
        copy.author_ranks = self.author_ranks;
        copy.ref_author_ranks = self.ref_author_ranks;
        copy.shared_deleted = self.shared_deleted;
        copy.shared_pinned = self.shared_pinned;
        copy
    }
}

impl View {
    /// A view whose text has been written to: the system has handed out its memory.
    pub(super) fn touched() -> Self {
        let mut view = Self::default();
        view.strings.extend(std::iter::repeat_n('\0', KEEP_BYTES));
        view.strings.clear();
        view
    }

    /// Makes a used view a fresh one; buffers stay up to a fixed size, so that memory does not creep.
    pub(super) fn begin(&mut self, tweet_id: TweetId, seq: u64, now_ns: i64) {
        self.tweet_id = tweet_id;
        self.platform = None;
        self.began_seq = seq;
        self.began_ns = now_ns;
        self.content = None;
        self.enriched_ns = None;
        self.deleted = false;
        self.pinned = None;
        self.shared_deleted = false;
        self.shared_pinned = None;
        self.dead_bytes = 0;
        self.post.clear();
        self.frames.clear();
        self.frames.push(Rank::default());
        self.strings.clear();
        self.strings.shrink_to(KEEP_BYTES);
        if self.frames.capacity() > KEEP_ITEMS {
            self.frames.shrink_to_fit();
        }
        shrink(&mut self.assets);
        shrink(&mut self.post.media);
        shrink(&mut self.post.mentions);
        shrink(&mut self.post.urls);
        shrink(&mut self.post.ref_media);
    }

    /// The fields of the tweet.
    pub fn post(&self) -> PostRef<'_> {
        self.post.with(&self.strings)
    }

    /// A text of a named asset.
    pub fn asset_text(&self, asset: &NamedAsset, field: AssetField) -> Option<&str> {
        asset.fields.text(field, &self.strings)
    }

    /// Creation of the post, Unix ms: from the snowflake where there is one, else as the feed says.
    pub fn created_ms(&self) -> Option<i64> {
        let platform = self.platform.as_ref().unwrap_or(&Platform::Twitter);
        self.tweet_id.created_ms(platform).or_else(|| self.post.body.int(PostField::CreatedAt))
    }

    /// The vendor's receipt of the post, Unix ms.
    pub fn received_ms(&self) -> Option<i64> {
        self.post.body.int(PostField::ReceivedAt)
    }

    /// Its first content came from history, after the feed had lost it.
    pub fn is_late(&self) -> bool {
        self.content.is_some_and(|content| content.is_late)
    }

    /// Joins one frame of this tweet.
    pub(super) fn merge(&mut self, event: &Event, arrival: Arrival) -> Joined {
        let recv_ns = arrival.recv_ns;
        let is_shared = is_shared(event);
        match event.op {
            Op::Delete => {
                // Absorbing, so that a content that arrives after its deletion does not bring the tweet back.
                self.deleted = true;
                self.shared_deleted |= is_shared;
                return Joined::Done;
            }
            Op::Pin | Op::Unpin => {
                let pin = Some((event.observed_ms.or(event.ts_ms).unwrap_or(0), event.op == Op::Pin));
                // By time of observation and not of arrival; of one time the pin wins, in any order.
                self.pinned = self.pinned.max(pin);
                self.shared_pinned = self.shared_pinned.max(pin.filter(|_| is_shared));
                return Joined::Done;
            }
            Op::Content
            | Op::Update
            | Op::Meta
            | Op::ProfileUpdate
            | Op::Follow
            | Op::Unfollow
            | Op::Callout
            | Op::HandlesResult
            | Op::AuthPing
            | Op::AuthPong
            | Op::UnknownOp
            | Op::UnknownFamily => {}
        }
        // Fields hold their frame as one byte, so there is room for 255.
        if self.frames.len() > FRAMES_PER_TWEET {
            return Joined::Full;
        }
        if event.op == Op::Content {
            self.content.get_or_insert(arrival);
        }
        if event.op == Op::Meta {
            // Whatever the meta holds: an empty one also says that nothing more is to be waited for.
            self.enriched_ns.get_or_insert(recv_ns);
        }
        let frame = self.frames.len() as u8;
        self.frames.push(Rank::of(event));
        if frame == 1 && event.op != Op::Meta {
            self.copy_whole(event, frame);
        } else {
            self.join_post(&event.post, &event.strings, frame);
        }
        let mut is_full = false;
        for (place, detected) in event.detected.iter().enumerate() {
            let named = NamedAsset::new(detected, frame, place as u16, recv_ns);
            is_full |= !self.join_asset(&named, &event.strings, |_| frame);
        }
        // By the lowest frame that named them, not by arrival: the order of assets is the order in which decisions
        // open.
        self.sort_assets();
        self.tidy();
        if is_full { Joined::AssetsFull } else { Joined::Done }
    }

    /// Joins what another stay of the same tweet in the window has gathered. The result is the same as if its
    /// frames had been merged one by one.
    pub(crate) fn absorb(&mut self, other: &Self) {
        self.deleted |= other.deleted;
        self.pinned = self.pinned.max(other.pinned);
        self.content = self.content.or(other.content);
        if self.platform.is_none() {
            self.platform.clone_from(&other.platform);
        }
        self.absorb_frames(other, |_| true);
    }

    /// Joins what frames without a platform said about a tweet of the same id on another platform, as far as that
    /// tweet still has it: a field that a later frame of its own has won is lost to this one.
    pub(super) fn share(&mut self, twin: &Self) {
        self.deleted |= twin.shared_deleted;
        self.pinned = self.pinned.max(twin.shared_pinned);
        self.absorb_frames(twin, |rank| rank.is_shared);
    }

    /// Joins the fields of `other` that come from frames whose rank `takes` accepts.
    fn absorb_frames(&mut self, other: &Self, takes: impl Fn(&Rank) -> bool) {
        self.shared_deleted |= other.shared_deleted;
        self.shared_pinned = self.shared_pinned.max(other.shared_pinned);
        self.enriched_ns = self.enriched_ns.or(other.enriched_ns);
        let mut indices = [None; FRAMES_PER_TWEET + 1];
        for (place, rank) in indices.iter_mut().zip(&other.frames).skip(1).filter(|(_, rank)| takes(rank)) {
            let known = self.frames.iter().position(|known| known == rank);
            // In a view without room the last rank stands for all later frames.
            let is_new = known.is_none() && self.frames.len() <= FRAMES_PER_TWEET;
            self.frames.extend(is_new.then_some(*rank));
            *place = Some(known.unwrap_or(self.frames.len() - 1) as u8);
        }
        let here = |index: u8| indices.get(usize::from(index)).copied().flatten();
        let Self { post, strings, frames, dead_bytes, .. } = self;
        let mut joiner = Joiner { strings, frames, dead_bytes, from: &other.strings };
        joiner.join_body(post, &mut self.body_ranks, &other.post, |field| here(other.body_ranks[field]));
        joiner.join_bag(&mut post.author, &mut self.author_ranks, &other.post.author, |field| {
            here(other.author_ranks[field])
        });
        joiner.join_bag(&mut post.ref_author, &mut self.ref_author_ranks, &other.post.ref_author, |field| {
            here(other.ref_author_ranks[field])
        });
        for asset in &other.assets {
            // Meta frames have no platform, so either all of an asset is joined or nothing.
            self.join_asset(asset, &other.strings, |index| here(index).unwrap_or_default());
        }
        self.sort_assets();
        self.tidy();
    }

    /// The first frame of a fresh view: its fields need no comparing.
    fn copy_whole(&mut self, event: &Event, frame: u8) {
        self.strings.push_str(&event.strings);
        // Field by field: a derived `clone_from` would not reuse the lists.
        let Post { body, author, ref_author, media, mentions, urls, ref_media } = &mut self.post;
        body.clone_from(&event.post.body);
        author.clone_from(&event.post.author);
        ref_author.clone_from(&event.post.ref_author);
        media.clone_from(&event.post.media);
        mentions.clone_from(&event.post.mentions);
        urls.clone_from(&event.post.urls);
        ref_media.clone_from(&event.post.ref_media);
        self.body_ranks = [frame; POST_FIELDS];
        self.author_ranks = [frame; AUTHOR_FIELDS];
        self.ref_author_ranks = [frame; AUTHOR_FIELDS];
    }

    fn join_post(&mut self, from: &Post, from_strings: &str, frame: u8) {
        let Self { post, strings, frames, dead_bytes, .. } = self;
        let mut joiner = Joiner { strings, frames, dead_bytes, from: from_strings };
        joiner.join_body(post, &mut self.body_ranks, from, |_| Some(frame));
        joiner.join_bag(&mut post.author, &mut self.author_ranks, &from.author, |_| Some(frame));
        joiner.join_bag(&mut post.ref_author, &mut self.ref_author_ranks, &from.ref_author, |_| Some(frame));
    }

    /// Joins one named asset by identity. False if it is a new one and there is no room.
    fn join_asset(&mut self, from: &NamedAsset, from_strings: &str, frame_of: impl Fn(u8) -> u8) -> bool {
        let Some(identity) = from.identity(from_strings) else { return true };
        let strings = &self.strings;
        let is_same = |asset: &NamedAsset| asset.identity(strings).is_some_and(|known| known.is(&identity));
        let first = (frame_of(from.first.0), from.first.1);
        let index = match self.assets.iter().position(is_same) {
            Some(index) => index,
            None if self.assets.len() >= ASSETS_PER_TWEET => return false,
            None => {
                self.assets.push(from.blank(first));
                self.assets.len() - 1
            }
        };
        let Self { assets, strings, frames, dead_bytes, .. } = self;
        let Some(asset) = assets.get_mut(index) else { return false };
        let mut joiner = Joiner { strings, frames, dead_bytes, from: from_strings };
        joiner.join_bag(&mut asset.fields, &mut asset.ranks, &from.fields, |field| {
            Some(frame_of(from.ranks[field]))
        });
        let price_rank = frame_of(from.price_rank);
        if from.price.is_some() && joiner.wins(asset.price_rank, price_rank, asset.price.is_some()) {
            asset.price = from.price;
            asset.price_rank = price_rank;
        }
        if joiner.order(first, asset.first).is_lt() {
            asset.first = first;
        }
        true
    }

    fn sort_assets(&mut self) {
        if self.assets.len() > 1 {
            let frames = &self.frames;
            let rank = |index: u8| frames.get(usize::from(index)).copied().unwrap_or_default();
            // No two were first named at one place, so that the order of equals does not matter.
            self.assets.sort_unstable_by_key(|asset| (rank(asset.first.0), asset.first.1));
        }
    }

    /// Rewrites the strings without the dead ones when those are the greater part.
    fn tidy(&mut self) {
        if self.dead_bytes >= COMPACT_BYTES && self.dead_bytes * 2 >= self.strings.len() {
            self.compact();
        }
    }

    pub(super) fn compact(&mut self) {
        let old = std::mem::take(&mut self.strings);
        let mut copier = Copier { from: &old, to: &mut self.strings };
        copier.bag(&mut self.post.body);
        copier.bag(&mut self.post.author);
        copier.bag(&mut self.post.ref_author);
        copier.list(&mut self.post.media);
        copier.list(&mut self.post.mentions);
        copier.list(&mut self.post.urls);
        copier.list(&mut self.post.ref_media);
        for asset in &mut self.assets {
            copier.bag(&mut asset.fields);
        }
        self.dead_bytes = 0;
    }
}

/// The fate of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    /// It is in the view.
    Done,
    /// Some of its assets found no room.
    AssetsFull,
    /// The tweet has had too many frames.
    Full,
}

fn shrink<T>(list: &mut Vec<T>) {
    list.clear();
    list.shrink_to(KEEP_ITEMS);
}
