//! A view as plain values, to be written down and read back.

use stoop_model::{
    AssetField, AuthorField, Bag, DetectedClass, Key, Media, Mention, Platform, PostField, Price, Span,
    TweetId, Url,
};

use super::asset::NamedAsset;
use super::rank::Rank;
use super::view::{ASSETS_PER_TWEET, Arrival, FRAMES_PER_TWEET, Pin, View};

/// A [`View`] as plain values.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavedView {
    /// The tweet.
    pub tweet_id: TweetId,
    /// Its platform.
    pub platform: Option<Platform>,
    /// Sequence number of the input that began it.
    pub began_seq: u64,
    /// When it began, Unix ns.
    pub began_ns: i64,
    /// First content frame.
    pub content: Option<Arrival>,
    /// First meta frame, Unix ns.
    pub enriched_ns: Option<i64>,
    /// It was deleted.
    pub deleted: bool,
    /// When its pin state was observed, Unix ms, and what it was.
    pub pinned: Option<Pin>,
    /// A frame without a platform reported its deletion.
    pub shared_deleted: bool,
    /// Its pin state as such frames reported it.
    pub shared_pinned: Option<Pin>,
    /// Frames merged, in the order they came. Ranks of fields are places in this list, counted from 1.
    pub frames: Vec<Rank>,
    /// Fields of the post.
    pub body: Vec<SavedField<PostField>>,
    /// Fields of its author.
    pub author: Vec<SavedField<AuthorField>>,
    /// Fields of the author of the post referred to.
    pub ref_author: Vec<SavedField<AuthorField>>,
    /// Of `media`: url, type, thumbnail.
    pub media: Vec<SavedItem>,
    /// Of `mentions`: handle, id, name.
    pub mentions: Vec<SavedItem>,
    /// Of `urls`: url, name, short form.
    pub urls: Vec<SavedItem>,
    /// Of `ref.media`: url, type, thumbnail.
    pub ref_media: Vec<SavedItem>,
    /// Assets the vendor named.
    pub assets: Vec<SavedAsset>,
}

/// The texts of an entry of a list.
pub type SavedItem = [Option<String>; 3];

/// A field that is there, and the frame it is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedField<K> {
    /// Which.
    pub key: K,
    /// Its value.
    pub value: SavedValue,
    /// Place of the frame.
    pub rank: u8,
}

/// The value of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SavedValue {
    /// It came as null.
    Null,
    /// A number; of a list that it came.
    Number(i64),
    /// A text.
    Text(String),
}

/// An asset the vendor named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedAsset {
    /// The list it was in.
    pub class: DetectedClass,
    /// Its fields.
    pub fields: Vec<SavedField<AssetField>>,
    /// Its price and our receipt of it, Unix ns.
    pub price: Option<(Price, i64)>,
    /// Place of the frame the price is from.
    pub price_rank: u8,
    /// The lowest frame that named it, and its place there.
    pub first: (u8, u16),
}

/// Why plain values are not a view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SavedError {
    /// There are more frames than a view keeps.
    #[error("a tweet with more than {FRAMES_PER_TWEET} frames")]
    TooManyFrames,
    /// There are more assets than a view keeps.
    #[error("a tweet with more than {ASSETS_PER_TWEET} assets")]
    TooManyAssets,
    /// A field is from a frame that is not there.
    #[error("a field of a frame that is not there")]
    NoSuchFrame,
    /// A text where a number belongs, or the other way round.
    #[error("a field of the wrong type")]
    WrongType,
}

impl View {
    /// Its values.
    pub fn save(&self) -> SavedView {
        let Self { post, strings, .. } = self;
        SavedView {
            tweet_id: self.tweet_id.clone(),
            platform: self.platform.clone(),
            began_seq: self.began_seq,
            began_ns: self.began_ns,
            content: self.content,
            enriched_ns: self.enriched_ns,
            deleted: self.deleted,
            pinned: self.pinned,
            shared_deleted: self.shared_deleted,
            shared_pinned: self.shared_pinned,
            frames: self.frames.iter().skip(1).copied().collect(),
            body: save_bag(&post.body, &self.body_ranks, strings),
            author: save_bag(&post.author, &self.author_ranks, strings),
            ref_author: save_bag(&post.ref_author, &self.ref_author_ranks, strings),
            media: save_list(&post.media, strings, |media| [media.url, media.kind, media.thumbnail]),
            mentions: save_list(&post.mentions, strings, |mention| {
                [mention.handle, mention.id, mention.name]
            }),
            urls: save_list(&post.urls, strings, |url| [url.url, url.name, url.tco]),
            ref_media: save_list(&post.ref_media, strings, |media| [media.url, media.kind, media.thumbnail]),
            assets: self.assets.iter().map(|asset| asset.save(strings)).collect(),
        }
    }

    /// A view of these values.
    pub fn restore(saved: &SavedView) -> Result<Self, SavedError> {
        if saved.frames.len() > FRAMES_PER_TWEET {
            return Err(SavedError::TooManyFrames);
        }
        if saved.assets.len() > ASSETS_PER_TWEET {
            return Err(SavedError::TooManyAssets);
        }
        let mut view = Self::default();
        view.tweet_id = saved.tweet_id.clone();
        view.platform.clone_from(&saved.platform);
        view.began_seq = saved.began_seq;
        view.began_ns = saved.began_ns;
        view.content = saved.content;
        view.enriched_ns = saved.enriched_ns;
        view.deleted = saved.deleted;
        view.pinned = saved.pinned;
        view.shared_deleted = saved.shared_deleted;
        view.shared_pinned = saved.shared_pinned;
        view.frames.extend_from_slice(&saved.frames);
        let mut filler = Filler { strings: &mut view.strings, frames: saved.frames.len() };
        filler.bag(&mut view.post.body, &mut view.body_ranks, &saved.body)?;
        filler.bag(&mut view.post.author, &mut view.author_ranks, &saved.author)?;
        filler.bag(&mut view.post.ref_author, &mut view.ref_author_ranks, &saved.ref_author)?;
        let media = |[url, kind, thumbnail]: [Option<Span>; 3]| Media { url, kind, thumbnail };
        view.post.media = filler.list(&saved.media, media);
        view.post.ref_media = filler.list(&saved.ref_media, media);
        view.post.mentions = filler.list(&saved.mentions, |[handle, id, name]| Mention { handle, id, name });
        view.post.urls = filler.list(&saved.urls, |[url, name, tco]| Url { url, name, tco });
        for asset in &saved.assets {
            view.assets.push(filler.asset(asset)?);
        }
        Ok(view)
    }
}

impl NamedAsset {
    fn save(&self, strings: &str) -> SavedAsset {
        SavedAsset {
            class: self.class,
            fields: save_bag(&self.fields, &self.ranks, strings),
            price: self.price,
            price_rank: self.price_rank,
            first: self.first,
        }
    }
}

fn save_bag<K: Key, const N: usize>(bag: &Bag<K, N>, ranks: &[u8; N], strings: &str) -> Vec<SavedField<K>> {
    let value = |key: K| {
        if bag.is_null(key) {
            return Some(SavedValue::Null);
        }
        let text = bag.text(key, strings).map(|text| SavedValue::Text(text.to_owned()));
        text.or_else(|| bag.int(key).map(SavedValue::Number))
    };
    let field = |key: &K| Some(SavedField { key: *key, value: value(*key)?, rank: ranks[key.index()] });
    K::ALL.iter().filter_map(field).collect()
}

fn save_list<T>(list: &[T], strings: &str, texts: impl Fn(&T) -> [Option<Span>; 3]) -> Vec<SavedItem> {
    let save = |item: &T| texts(item).map(|span| span.map(|span| span.of(strings).to_owned()));
    list.iter().map(save).collect()
}

/// Puts values back into a view.
struct Filler<'a> {
    strings: &'a mut String,
    frames: usize,
}

impl Filler<'_> {
    fn rank(&self, rank: u8) -> Result<u8, SavedError> {
        (usize::from(rank) <= self.frames).then_some(rank).ok_or(SavedError::NoSuchFrame)
    }

    fn bag<K: Key, const N: usize>(
        &mut self,
        bag: &mut Bag<K, N>,
        ranks: &mut [u8; N],
        saved: &[SavedField<K>],
    ) -> Result<(), SavedError> {
        for field in saved {
            ranks[field.key.index()] = self.rank(field.rank)?;
            match &field.value {
                SavedValue::Null => bag.set_null(field.key),
                SavedValue::Number(number) if !field.key.is_text() => bag.set_int(field.key, *number),
                SavedValue::Text(text) if field.key.is_text() => {
                    bag.set_span(field.key, Span::push(self.strings, text));
                }
                SavedValue::Number(_) | SavedValue::Text(_) => return Err(SavedError::WrongType),
            }
        }
        Ok(())
    }

    fn list<T>(&mut self, saved: &[SavedItem], item: impl Fn([Option<Span>; 3]) -> T) -> Vec<T> {
        let mut span = |text: &Option<String>| text.as_ref().map(|text| Span::push(self.strings, text));
        saved.iter().map(|texts| item([span(&texts[0]), span(&texts[1]), span(&texts[2])])).collect()
    }

    fn asset(&mut self, saved: &SavedAsset) -> Result<NamedAsset, SavedError> {
        let (frame, place) = saved.first;
        let mut asset = NamedAsset {
            class: saved.class,
            fields: Bag::default(),
            price: saved.price,
            ranks: Default::default(),
            price_rank: self.rank(saved.price_rank)?,
            first: (self.rank(frame)?, place),
        };
        self.bag(&mut asset.fields, &mut asset.ranks, &saved.fields)?;
        Ok(asset)
    }
}
