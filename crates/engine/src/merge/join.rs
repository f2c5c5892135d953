//! Copies winning fields from one string buffer into another.

use std::cmp::Ordering;

use stoop_model::{Bag, Key, Media, Mention, Post, PostField, Span, Url};

use super::rank::Rank;

/// Copies winning fields into a view's buffer.
pub(super) struct Joiner<'a> {
    pub(super) strings: &'a mut String,
    pub(super) frames: &'a [Rank],
    pub(super) dead_bytes: &'a mut usize,
    /// The buffer of the values that are joined.
    pub(super) from: &'a str,
}

impl Joiner<'_> {
    /// A value of frame `new` replaces that of frame `held`; of one frame that names an asset twice, the later
    /// value counts.
    pub(super) fn wins(&self, held: u8, new: u8, is_held: bool) -> bool {
        // At equal rank the new value wins: it can only be a later entry of the same frame.
        !is_held || self.rank(new) >= self.rank(held)
    }

    /// Order of two places in frames: by frame, then by position.
    pub(super) fn order(&self, a: (u8, u16), b: (u8, u16)) -> Ordering {
        (self.rank(a.0), a.1).cmp(&(self.rank(b.0), b.1))
    }

    fn rank(&self, index: u8) -> Rank {
        self.frames.get(usize::from(index)).copied().unwrap_or_default()
    }

    /// Joins the fields of one object member by member. `frame_of` gives the frame that each field is from, as an
    /// index into the view's frames; none leaves the field out. Null is a value, because it occurs only where the
    /// protocol says that it means cleared.
    pub(super) fn join_bag<K: Key, const N: usize>(
        &mut self,
        to: &mut Bag<K, N>,
        ranks: &mut [u8; N],
        from: &Bag<K, N>,
        frame_of: impl Fn(usize) -> Option<u8>,
    ) {
        if from.is_empty() {
            return;
        }
        for &key in K::ALL {
            if (from.has(key) || from.is_null(key))
                && let Some(frame) = frame_of(key.index())
                && self.wins(ranks[key.index()], frame, to.has(key) || to.is_null(key))
            {
                ranks[key.index()] = frame;
                self.copy(to, from, key);
            }
        }
    }

    /// Joins the fields of a post except its authors; lists replace whole.
    pub(super) fn join_body<const N: usize>(
        &mut self,
        to: &mut Post,
        ranks: &mut [u8; N],
        from: &Post,
        frame_of: impl Fn(usize) -> Option<u8>,
    ) {
        for key in from.body.keys() {
            if let Some(frame) = frame_of(key.index())
                && self.wins(ranks[key.index()], frame, to.body.has(key))
            {
                ranks[key.index()] = frame;
                self.copy(&mut to.body, &from.body, key);
                self.copy_list(to, from, key);
            }
        }
    }

    fn copy<K: Key, const N: usize>(&mut self, to: &mut Bag<K, N>, from: &Bag<K, N>, key: K) {
        // The old text stays in the buffer until half of it is dead: moving the others each time would cost more.
        *self.dead_bytes += to.span(key).map_or(0, |old| old.len as usize);
        if let Some(span) = from.span(key) {
            to.set_span(key, Span::push(self.strings, span.of(self.from)));
        } else if let Some(number) = from.int(key) {
            to.set_int(key, number);
        } else {
            to.set_null(key);
        }
    }

    fn copy_list(&mut self, to: &mut Post, from: &Post, key: PostField) {
        let mut copier = Copier { from: self.from, to: self.strings };
        let dead = match key {
            PostField::Media => copier.replace(&mut to.media, &from.media),
            PostField::RefMedia => copier.replace(&mut to.ref_media, &from.ref_media),
            PostField::Mentions => copier.replace(&mut to.mentions, &from.mentions),
            PostField::Urls => copier.replace(&mut to.urls, &from.urls),
            PostField::Kind
            | PostField::Text
            | PostField::CreatedAt
            | PostField::ReceivedAt
            | PostField::Link
            | PostField::RefType
            | PostField::RefTweetId
            | PostField::RefText
            | PostField::OcrText => 0,
        };
        *self.dead_bytes += dead;
    }
}

/// Moves spans from one buffer to another.
pub(super) struct Copier<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a mut String,
}

impl Copier<'_> {
    /// Moves every text of a bag.
    pub(super) fn bag<K: Key, const N: usize>(&mut self, bag: &mut Bag<K, N>) {
        for key in bag.keys() {
            if let Some(span) = bag.span(key) {
                bag.set_span(key, Span::push(self.to, span.of(self.from)));
            }
        }
    }

    /// Moves every text of a list.
    pub(super) fn list<T: Item>(&mut self, items: &mut [T]) {
        for span in items.iter_mut().flat_map(Item::spans).flatten() {
            *span = Span::push(self.to, span.of(self.from));
        }
    }

    /// Replaces one list by another; returns the number of bytes that are dead now.
    fn replace<T: Item>(&mut self, to: &mut Vec<T>, from: &[T]) -> usize {
        let dead = to.iter_mut().flat_map(Item::spans).flatten().map(|span| span.len as usize).sum();
        to.clear();
        to.extend_from_slice(from);
        self.list(to);
        dead
    }
}

/// An entry of a list of a post.
pub(super) trait Item: Copy {
    /// Its texts.
    fn spans(&mut self) -> [&mut Option<Span>; 3];
}

impl Item for Media {
    fn spans(&mut self) -> [&mut Option<Span>; 3] {
        [&mut self.url, &mut self.kind, &mut self.thumbnail]
    }
}

impl Item for Mention {
    fn spans(&mut self) -> [&mut Option<Span>; 3] {
        [&mut self.handle, &mut self.id, &mut self.name]
    }
}

impl Item for Url {
    fn spans(&mut self) -> [&mut Option<Span>; 3] {
        [&mut self.url, &mut self.name, &mut self.tco]
    }
}
